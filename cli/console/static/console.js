// The console's only script: the theme, the filter, the ticking ages, and the page that is live.
"use strict";

// -- theme -------------------------------------------------------------------------------------------------------

const dark = () => {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
};
const toggle = document.getElementById("theme");
const sayTheme = () => toggle.setAttribute("aria-pressed", String(dark()));
toggle.hidden = false;
toggle.addEventListener("click", () => {
  const chosen = dark() ? "light" : "dark";
  document.documentElement.dataset.theme = chosen;
  try { localStorage.setItem("theme", chosen); } catch { /* it is for this page only, then */ }
  sayTheme();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", sayTheme);
sayTheme();

// -- filter ------------------------------------------------------------------------------------------------------

const filter = () => {
  const field = document.getElementById("filter");
  if (!field) return;
  const wanted = field.value.trim().toLowerCase();
  let shown = 0;
  for (const row of document.querySelectorAll("[data-name]")) {
    row.hidden = !row.dataset.name.includes(wanted);
    shown += row.hidden ? 0 : 1;
  }
  const said = document.getElementById("filtered");
  said.textContent = wanted ? `${shown} shown` : "";
};
document.addEventListener("input", (event) => { if (event.target.id === "filter") filter(); });
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select");
  const field = document.getElementById("filter");
  if (event.key === "/" && !typing && field) { event.preventDefault(); field.focus(); }
});

// -- ages --------------------------------------------------------------------------------------------------------

const lasting = (seconds) => {
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86400) {
    const minutes = Math.floor((seconds % 3600) / 60);
    return `${Math.floor(seconds / 3600)} h${minutes ? ` ${minutes} min` : ""}`;
  }
  return `${Math.floor(seconds / 86400)} d`;
};
const tick = () => {
  for (const time of document.querySelectorAll("time[data-age]")) {
    const text = lasting(Math.max(0, Math.floor((Date.now() - Date.parse(time.dateTime)) / 1000)));
    if (time.textContent !== text) time.textContent = text;
  }
};
setInterval(tick, 1000);

// -- live --------------------------------------------------------------------------------------------------------

// What a person opened, typed or chose stays as they left it.
const THEIRS = { DETAILS: ["open"], INPUT: ["value", "checked"], TEXTAREA: ["value"], OPTION: ["selected"] };

const keyOf = (node) => (node.nodeType === Node.ELEMENT_NODE ? node.id || node.dataset.key || "" : "");
const alike = (one, other) => one.nodeName === other.nodeName && keyOf(one) === keyOf(other);

// Makes one element like another, changing no more than differs: focus, selection and scrolling stay.
const bring = (old, fresh) => {
  const theirs = THEIRS[old.nodeName] ?? [];
  for (const { name, value } of fresh.attributes) {
    if (!theirs.includes(name) && old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  for (const { name } of [...old.attributes]) {
    if (!theirs.includes(name) && !fresh.hasAttribute(name)) old.removeAttribute(name);
  }
  let at = old.firstChild;
  for (const wanted of [...fresh.childNodes]) {
    if (at && !alike(at, wanted) && keyOf(wanted)) {
      const found = [...old.childNodes].find((each) => alike(each, wanted));
      if (found) { old.insertBefore(found, at); at = found; }
    }
    if (!at || !alike(at, wanted)) {
      old.insertBefore(document.adoptNode(wanted), at);
      continue;
    }
    if (at.nodeType !== Node.ELEMENT_NODE) {
      if (at.nodeValue !== wanted.nodeValue) at.nodeValue = wanted.nodeValue;
    } else if (!at.isEqualNode(wanted)) {
      bring(at, wanted);
    }
    at = at.nextSibling;
  }
  while (at) { const next = at.nextSibling; at.remove(); at = next; }
};

const main = document.getElementById("main");
const state = document.getElementById("state");
const say = (text, tone) => {
  if (state.textContent !== text) state.textContent = text;
  state.dataset.tone = tone;
};

// The browser parses the page itself: no text becomes markup here, which the page's policy forbids.
const renew = () => new Promise((done) => {
  const asked = new XMLHttpRequest();
  asked.open("GET", location.href);
  asked.responseType = "document";
  asked.onload = () => {
    const fresh = asked.response?.getElementById("main");
    if (fresh) { bring(main, fresh); filter(); tick(); say("Live", "good"); }
    done();
  };
  asked.onerror = done;
  asked.send();
});

let source;
let renewing = Promise.resolve();
const follow = () => {
  const address = new URL(`/live${location.pathname}`, location.href);
  address.search = location.search;
  address.searchParams.set("digest", main.dataset.digest);
  source = new EventSource(address);
  source.onopen = () => say("Live", "good");
  source.onmessage = () => { renewing = renewing.then(renew); };
  source.onerror = () => say("Not connected", "bad");
};
if (main.dataset.live !== undefined) {
  follow();
  addEventListener("pagehide", () => source.close());
  // Nobody looks at a hidden page, so nothing is asked of AWS for it.
  document.addEventListener("visibilitychange", () => {
    source.close();
    if (document.visibilityState === "visible") renew().then(follow);
  });
}
