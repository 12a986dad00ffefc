// The menu button below 800 px, and menus that close on Escape or on a click elsewhere.
"use strict";

function setMenu(open) {
  const button = document.querySelector("[data-menu]");
  const side = document.getElementById("side");
  if (button && side) {
    side.classList.toggle("open", open);
    button.setAttribute("aria-expanded", String(open));
  }
}

function closePops(except) {
  document.querySelectorAll("details.pop[open]").forEach((pop) => {
    if (pop !== except) {
      pop.removeAttribute("open");
    }
  });
}

document.addEventListener("click", (event) => {
  closePops(event.target.closest("details.pop"));
  const button = event.target.closest("[data-menu]");
  if (button) {
    setMenu(button.getAttribute("aria-expanded") !== "true");
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") {
    return;
  }
  const pop = document.querySelector("details.pop[open]");
  const button = document.querySelector("[data-menu][aria-expanded=true]");
  if (pop) {
    closePops(null);
    pop.querySelector("summary").focus();
  } else if (button) {
    setMenu(false);
    button.focus();
  }
});
