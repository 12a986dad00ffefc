// htmx: the token goes with every request, and a page that cannot be refreshed says so.
"use strict";

function speak(text) {
  const place = document.getElementById("spoken");
  if (place) {
    place.textContent = "";
    // A screen reader announces a change, so an equal text has to arrive as a new one.
    window.setTimeout(() => { place.textContent = text; }, 50);
  }
}

document.addEventListener("htmx:configRequest", (event) => {
  const token = document.querySelector("meta[name=csrf-token]");
  if (token && event.detail.verb !== "get") {
    event.detail.headers["X-CSRFToken"] = token.content;
  }
});

document.addEventListener("htmx:responseError", (event) => {
  if (event.detail.xhr.status === 401) {
    window.location.reload();
    return;
  }
  speak("This part of the page could not be refreshed. Reload the page.");
});

document.addEventListener("htmx:sendError", () => {
  speak("The server does not answer right now. Reload the page in a moment.");
});
