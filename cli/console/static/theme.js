// The theme that this browser chose, before anything is painted; without a choice the system's applies.
"use strict";
try {
  const chosen = localStorage.getItem("theme");
  if (chosen === "dark" || chosen === "light") document.documentElement.dataset.theme = chosen;
} catch { /* storage may be forbidden: the system's theme applies */ }
