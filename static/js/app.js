// The browser's part of the workbench: htmx settings, keys, dialogs, toasts, theme. Pages work through links and forms.
"use strict";

const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

const store = {
  get(key) {
    try {
      return localStorage.getItem(key);
    } catch {
      return null;
    }
  },
  set(key, value) {
    try {
      localStorage.setItem(key, value);
    } catch {
      // A browser that keeps nothing still shows everything.
    }
  },
};

// ---- htmx -----------------------------------------------------------------------------------------------------------
Object.assign(htmx.config, {
  allowEval: false,
  allowScriptTags: false,
  includeIndicatorStyles: false,
  historyCacheSize: 0, // clients' figures stay out of the browser's storage
  refreshOnHistoryMiss: true,
  selfRequestsOnly: true,
  timeout: 20000,
  responseHandling: [
    { code: "204", swap: false },
    { code: "[23]..", swap: true },
    { code: "(400|409|422)", swap: true, error: false }, // an answer about the work, shown where the work is
    { code: "[45]..", swap: false, error: true },
  ],
});

document.addEventListener("htmx:configRequest", (event) => {
  const token = $('meta[name="csrf-token"]')?.content;
  if (token && event.detail.verb !== "get") event.detail.headers["X-CSRFToken"] = token;
});

const SENTENCES = {
  403: "You may not do that, or your session has ended. Sign in again and retry.",
  404: "That is no longer here. It may have been replaced by a newer scan.",
  429: "Too many requests at once. Wait a moment and retry.",
};

function showFailure(event) {
  const { elt, xhr } = event.detail;
  const status = xhr?.status || 0;
  const text = SENTENCES[status] || (status ? `The server could not do that (error ${status}). Nothing was changed.` : "No answer from the server. Check your connection; nothing you typed is lost.");
  const place = elt?.closest?.("[data-errors]");
  const slot = place && document.getElementById(place.dataset.errors);
  if (!slot) return toast(text, "bad");
  if (!slot.hidden && slot.dataset.text === text) return; // a list that polls says it once
  slot.dataset.text = text;
  slot.textContent = text;
  slot.hidden = false;
  const again = document.createElement("button");
  again.type = "button";
  again.className = "btn btn-small";
  again.textContent = "Try again";
  // A form is sent once more as it stands: what was typed into it stays.
  again.addEventListener("click", () => (elt.matches("form") ? elt.requestSubmit() : location.reload()));
  slot.append(again);
}
for (const name of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) document.addEventListener(name, showFailure);

document.addEventListener("htmx:afterRequest", (event) => {
  if (!event.detail.successful) return;
  const place = event.detail.elt?.closest?.("[data-errors]");
  const slot = place && document.getElementById(place.dataset.errors);
  if (slot) slot.hidden = true;
  if (event.detail.elt?.matches?.("[data-close-after]")) event.detail.elt.closest("dialog")?.close();
});

// A table that refreshes itself keeps what the reader had opened, picked and focused.
let kept = null;
document.addEventListener("htmx:beforeSwap", (event) => {
  const target = event.detail.target;
  if (!target?.querySelectorAll) return;
  kept = {
    open: $$("details[id][open]", target).map((d) => d.id),
    picked: $$(".pick input:checked", target).map((i) => i.value),
    focus: target.contains(document.activeElement) ? document.activeElement.id || document.activeElement.getAttribute("href") : null,
  };
});
document.addEventListener("htmx:afterSettle", (event) => {
  if (kept) {
    for (const id of kept.open) document.getElementById(id)?.setAttribute("open", "");
    for (const input of $$(".pick input")) if (kept.picked.includes(input.value)) input.checked = true;
    if (kept.focus && document.activeElement === document.body) {
      (document.getElementById(kept.focus) || $(`a[href="${CSS.escape(kept.focus)}"]`))?.focus({ preventScroll: true });
    }
    kept = null;
  }
  if (event.target.id === "proposal" && document.activeElement === document.body) $("#main").focus();
  for (const dialog of $$("dialog[data-reopen]")) if (!dialog.open) dialog.showModal();
  countPicked();
});

// ---- toasts ---------------------------------------------------------------------------------------------------------
function toast(text, tone = "busy") {
  const box = document.createElement("div");
  box.className = `toast toast-${tone}`;
  const words = document.createElement("span");
  words.textContent = text;
  const close = document.createElement("button");
  close.type = "button";
  close.className = "link-btn";
  close.textContent = "Dismiss";
  close.addEventListener("click", () => box.remove());
  box.append(words, close);
  $("#toasts").append(box);
  if (tone !== "bad") setTimeout(() => box.remove(), 8000);
}
document.addEventListener("toast", (event) => toast(event.detail.text, event.detail.tone));

// ---- theme ----------------------------------------------------------------------------------------------------------
function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}
function nameTheme() {
  for (const button of $$("[data-theme-toggle]")) button.setAttribute("aria-label", isDark() ? "Use the light theme" : "Use the dark theme");
}
function flipTheme() {
  const theme = isDark() ? "light" : "dark";
  document.documentElement.dataset.theme = theme;
  store.set("theme", theme);
  nameTheme();
}

// ---- clicks ---------------------------------------------------------------------------------------------------------
function openDialog(id) {
  const dialog = document.getElementById(id);
  if (!dialog || dialog.open) return;
  dialog.showModal();
  $("[autofocus]", dialog)?.focus();
}
function fillSignIn(button) {
  const form = $("#sign-in");
  form.elements.login.value = button.dataset.email;
  form.elements.password.value = button.dataset.password;
  form.requestSubmit();
}
document.addEventListener("click", (event) => {
  const at = (selector) => event.target.closest?.(selector);
  if (at("[data-theme-toggle]")) flipTheme();
  if (at("[data-open]")) openDialog(at("[data-open]").dataset.open);
  if (at("[data-close]")) at("dialog").close();
  if (at("[data-print]")) window.print();
  if (at("[data-sign-in]")) fillSignIn(at("[data-sign-in]"));
  if (event.target.matches("dialog")) event.target.close();
  for (const menu of $$("details.menu[open]")) if (!menu.contains(event.target)) menu.removeAttribute("open");
});

// ---- picking rows ---------------------------------------------------------------------------------------------------
const dollars = new Intl.NumberFormat("en-US", { style: "currency", currency: "USD", maximumFractionDigits: 0 });
function countPicked() {
  const bar = $("#pickbar");
  if (!bar) return;
  const picked = $$(".pick input[name=proposal]:checked");
  const sum = (key) => picked.reduce((total, input) => total + Number(input.dataset[key] || 0), 0);
  bar.hidden = picked.length === 0;
  $("[data-sum=count]", bar).textContent = `${picked.length} selected`;
  $("[data-sum=value]", bar).textContent = dollars.format(sum("value"));
  $("[data-sum=tax]", bar).textContent = dollars.format(sum("tax"));
}
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-pick-all]")) for (const box of $$(".pick input[name=proposal]")) box.checked = event.target.checked;
  if (event.target.matches("[data-keys-toggle]")) store.set("keys", event.target.checked ? "on" : "off");
  if (event.target.matches("[data-submit-on-change]")) event.target.form.requestSubmit();
  countPicked();
});

// ---- keys -----------------------------------------------------------------------------------------------------------
const rowOf = (element) => element?.closest?.("[data-row]");
const linkOf = (row) => $(".row-link", row);

function step(by) {
  const rows = $$("[data-row]").filter((row) => linkOf(row));
  if (!rows.length) return;
  const here = rows.indexOf(rowOf(document.activeElement));
  const next = here < 0 ? (by > 0 ? 0 : rows.length - 1) : Math.min(Math.max(here + by, 0), rows.length - 1);
  linkOf(rows[next]).focus();
  rows[next].scrollIntoView({ block: "nearest" });
}
function pick() {
  const box = $(".pick input", rowOf(document.activeElement) || document.createElement("i"));
  if (box) box.click();
}
// On a list a decision starts by opening the one in focus: nobody approves what they have not seen.
function decide(what) {
  const button = $(`[data-key="${what}"]`);
  const link = linkOf(rowOf(document.activeElement) || document.createElement("i"));
  if (button) button.click();
  else if (link) location.assign(`${link.href}#${what}`);
}
function go(name) {
  const link = $(`[data-go="${name}"]`);
  if (link) location.assign(link.href);
}
const KEYS = {
  j: () => step(1),
  k: () => step(-1),
  x: pick,
  a: () => decide("approve"),
  r: () => decide("reject"),
  "/": () => $("input[type=search]")?.focus(),
  "?": () => openDialog("help"),
  "g w": () => go("worklist"),
  "g o": () => go("orders"),
  "g m": () => go("models"),
  "g p": () => go("problems"),
};
let waiting = "";
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") for (const menu of $$("details.menu[open]")) menu.removeAttribute("open");
  const typing = event.target.matches?.("input:not([type=checkbox]), textarea, select, [contenteditable]");
  if (typing || event.ctrlKey || event.metaKey || event.altKey || $("dialog[open]") || store.get("keys") === "off") return;
  const chord = waiting ? `${waiting} ${event.key}` : event.key;
  waiting = "";
  if (event.key === "g" && chord === "g") {
    waiting = "g";
    setTimeout(() => (waiting = ""), 1200);
  } else if (Object.hasOwn(KEYS, chord)) {
    event.preventDefault();
    KEYS[chord]();
  }
});

document.addEventListener("DOMContentLoaded", () => {
  nameTheme();
  const toggle = $("[data-keys-toggle]");
  if (toggle) toggle.checked = store.get("keys") !== "off";
  const asked = location.hash.slice(1);
  if (asked === "approve" || asked === "reject") $(`[data-key="${asked}"]`)?.click();
  for (const dialog of $$("dialog[data-reopen]")) dialog.showModal();
  countPicked();
});
