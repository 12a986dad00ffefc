// Copy buttons: data-copy holds the text, data-copy-from names an element that holds it.
"use strict";

const SHOWN_FOR = 2500;

function textToCopy(button) {
  const source = button.dataset.copyFrom && document.querySelector(button.dataset.copyFrom);
  return source ? (source.value ?? source.textContent).trim() : button.dataset.copy;
}

async function writeToClipboard(text) {
  if (navigator.clipboard && window.isSecureContext) {
    await navigator.clipboard.writeText(text);
    return;
  }
  // Plain http has no clipboard interface; a selected field still copies.
  const field = document.createElement("textarea");
  field.value = text;
  field.className = "sr-only";
  document.body.append(field);
  field.select();
  const copied = document.execCommand("copy");
  field.remove();
  if (!copied) {
    throw new Error("copying is not allowed here");
  }
}

function showOnButton(button, text, done) {
  const word = button.querySelector("[data-copy-word]") || button;
  button.dataset.copyRest = button.dataset.copyRest || word.textContent;
  word.textContent = text;
  button.toggleAttribute("data-copied", done);
  speak(text);
  window.setTimeout(() => {
    word.textContent = button.dataset.copyRest;
    button.removeAttribute("data-copied");
  }, SHOWN_FOR);
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy], [data-copy-from]");
  if (!button) {
    return;
  }
  try {
    await writeToClipboard(textToCopy(button));
    showOnButton(button, "Copied", true);
  } catch {
    showOnButton(button, "Select and copy it by hand", false);
  }
});
