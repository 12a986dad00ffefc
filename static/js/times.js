// Relative times move on while the page stays open; beyond a week the server's date stands.
"use strict";

const WEEK = 7 * 86400;
const STEPS = [[86400, "day"], [3600, "hour"], [60, "minute"], [1, "second"]];

function inWords(seconds) {
  const size = Math.abs(seconds);
  if (size < 10) {
    return "just now";
  }
  const [unit, name] = STEPS.find(([length]) => size >= length * 1.5) || STEPS[3];
  const count = Math.round(size / unit);
  const words = `${count} ${name}${count === 1 ? "" : "s"}`;
  return seconds < 0 ? `in ${words}` : `${words} ago`;
}

function refreshTimes() {
  document.querySelectorAll("time[data-relative]").forEach((element) => {
    const seconds = (Date.now() - Date.parse(element.dateTime)) / 1000;
    if (Math.abs(seconds) <= WEEK) {
      element.textContent = inWords(seconds);
    }
  });
}

window.setInterval(refreshTimes, 30000);
