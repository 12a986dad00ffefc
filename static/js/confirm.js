// data-confirm on a form or a submit button asks once; data-confirm-button names the act on the button.
"use strict";

function buildDialog(text, label) {
  const dialog = document.createElement("dialog");
  dialog.className = "confirm";
  dialog.setAttribute("aria-labelledby", "confirm-text");
  const box = document.createElement("form");
  box.method = "dialog";
  box.className = "card";
  const words = document.createElement("p");
  words.id = "confirm-text";
  words.textContent = text;
  const row = document.createElement("div");
  row.className = "form-actions";
  for (const [value, name, look] of [["yes", label, "button-danger"], ["no", "Cancel", "button-quiet"]]) {
    const button = document.createElement("button");
    button.value = value;
    button.textContent = name;
    button.className = look;
    button.autofocus = value === "no";
    row.append(button);
  }
  box.append(words, row);
  dialog.append(box);
  return dialog;
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  const button = event.submitter;
  const source = button && button.dataset.confirm ? button : form;
  if (!source.dataset.confirm || form.dataset.confirmed) {
    delete form.dataset.confirmed;
    return;
  }
  event.preventDefault();
  event.stopPropagation();
  const label = source.dataset.confirmButton || (button ? button.textContent.trim() : "Continue");
  const dialog = buildDialog(source.dataset.confirm, label);
  dialog.addEventListener("close", () => {
    dialog.remove();
    if (dialog.returnValue === "yes") {
      form.dataset.confirmed = "yes";
      form.requestSubmit(button || undefined);
    }
  });
  document.body.append(dialog);
  dialog.showModal();
}, true);
