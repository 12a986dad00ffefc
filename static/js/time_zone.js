// Fills data-time-zone fields with the browser's time zone, so that times are right from the first page on.
"use strict";

for (const field of document.querySelectorAll("[data-time-zone]")) {
  field.value = Intl.DateTimeFormat().resolvedOptions().timeZone || "";
}
