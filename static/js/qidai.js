// Improves pages that already work without it: nothing here is needed to do a job.
(() => {
  "use strict";

  const typing = (element) => element.closest("input, textarea, select, [contenteditable]");

  // "/" goes to the search box; j and k, or the arrows, walk the rows of a list.
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") return closeMenus(null);
    if (typing(event.target)) return;
    if (event.key === "/") {
      const find = document.querySelector("[data-find]");
      if (find) { event.preventDefault(); find.select(); find.focus(); }
      return;
    }
    const step = { j: 1, k: -1, ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && (event.key.length === 1 || event.target.closest("table[data-rows]"))) walk(event, step);
  });

  const mainLink = (row) => row.querySelector("a[data-main]") || row.querySelector("a[href]");

  function walk(event, step) {
    const links = [...document.querySelectorAll("table[data-rows] tbody tr:not(.why-row)")].map(mainLink).filter(Boolean);
    if (!links.length) return;
    const here = links.findIndex((link) => link.closest("tr").contains(document.activeElement));
    const next = links[here < 0 ? 0 : Math.min(links.length - 1, Math.max(0, here + step))];
    event.preventDefault();
    next.focus();
  }

  // A click anywhere on a row opens what its first link opens.
  document.addEventListener("click", (event) => {
    closeMenus(event.target.closest("details[data-menu]"));
    const row = event.target.closest("tr[data-open]");
    if (!row || event.target.closest("a, button, input, label, summary") || String(getSelection())) return;
    const link = mainLink(row);
    if (link) link.click();
  });

  // "Why?" opens its answer under the row, fetched once; a second click folds it away.
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-why]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || !window.htmx) return;
    if (link.pathname === location.pathname) return;
    event.preventDefault();
    const row = link.closest("tr");
    let answer = row.nextElementSibling;
    if (!answer || !answer.classList.contains("why-row")) {
      answer = document.createElement("tr");
      answer.className = "why-row";
      answer.hidden = true;
      const cell = answer.insertCell();
      cell.className = "full";
      cell.colSpan = row.cells.length;
      row.after(answer);
      htmx.ajax("GET", link.href, { target: cell, swap: "innerHTML" });
    }
    answer.hidden = !answer.hidden;
    link.setAttribute("aria-expanded", String(!answer.hidden));
  });

  function closeMenus(except) {
    for (const menu of document.querySelectorAll("details[data-menu][open]")) {
      if (menu === except) continue;
      const inside = menu.contains(document.activeElement);
      menu.open = false;
      if (inside) menu.querySelector("summary").focus();
    }
  }

  // Ticked units of a list: how many, whether they can be compared, and in every address that leads back to this list.
  const bar = document.getElementById("compare");
  const tickedUnits = () => new FormData(bar).getAll("unit");

  function withUnits(address, units) {
    const found = new URLSearchParams(address);
    found.delete("unit");
    for (const unit of units) found.append("unit", unit);
    return "?" + found;
  }

  function countUnits() {
    const units = tickedUnits(), told = bar.querySelector("[data-chosen]");
    told.hidden = !units.length;
    told.lastElementChild.textContent = units.length;
    bar.querySelector("[data-compare]").disabled = units.length < bar.dataset.least || units.length > bar.dataset.most;
  }

  function carryUnits() {
    const units = tickedUnits();
    history.replaceState(history.state, "", withUnits(location.search, units));
    for (const link of document.querySelectorAll("main a[href^='?']")) {
      const others = units.filter((unit) => unit !== link.dataset.unit); // of the link that takes one away
      link.setAttribute("href", withUnits(link.getAttribute("href").slice(1), others));
    }
    for (const form of document.querySelectorAll(".list-tools form")) {
      for (const old of form.querySelectorAll("input[name=unit]")) old.remove();
      for (const unit of units) form.append(Object.assign(document.createElement("input"), { type: "hidden", name: "unit", value: unit }));
    }
  }

  if (bar) {
    document.addEventListener("change", (event) => {
      if (event.target.form === bar) { countUnits(); carryUnits(); }
    });
    addEventListener("pageshow", countUnits); // a browser that goes back keeps the boxes
    countUnits();
  }

  // Another language shows the same address, also where the live check has changed it since.
  document.addEventListener("submit", (event) => {
    const next = event.target.matches(".lang") && event.target.querySelector("input[name=next]");
    if (next) next.value = location.pathname + location.search;
  });

  // A form is sent once: a second click while the first is under way does nothing.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post" || form.hasAttribute("hx-post") || form.dataset.again !== undefined) return; // again: answers with a file
    if (form.dataset.sent) return event.preventDefault();
    form.dataset.sent = "1";
    for (const button of form.querySelectorAll("button:not([type=button])")) button.setAttribute("aria-disabled", "true");
  });
  addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) {
      delete form.dataset.sent;
      for (const button of form.querySelectorAll("[aria-disabled]")) button.removeAttribute("aria-disabled");
    }
  });

  // The head of a long table sticks to the window where the table needs no scroller of its own.
  function fit() {
    for (const card of document.querySelectorAll(".sticky-head")) {
      card.classList.remove("fits");
      card.classList.toggle("fits", card.scrollWidth <= card.clientWidth);
    }
  }
  addEventListener("resize", fit);
  document.addEventListener("htmx:afterSwap", fit);
  fit();

  // <time data-elapsed datetime=…> counts on.
  function tick() {
    for (const time of document.querySelectorAll("time[data-elapsed]")) {
      const seconds = Math.max(0, Math.floor((Date.now() - Date.parse(time.dateTime)) / 1000));
      const minutes = Math.floor(seconds / 60);
      time.textContent = minutes + ":" + String(seconds % 60).padStart(2, "0");
    }
  }
  setInterval(tick, 1000);
  document.addEventListener("htmx:load", tick);

  // An answer that leads to another page ends the asking: the next answer would begin its loading anew, and on a
  // slow line for ever.
  let leaving = false;
  document.addEventListener("htmx:beforeOnLoad", (event) => {
    const said = (name) => event.detail.xhr.getResponseHeader(name);
    if (said("HX-Redirect") || said("HX-Refresh")) leaving = true;
  });
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (leaving) event.preventDefault();
  });
  addEventListener("pageshow", () => { leaving = false; });

  // After a failed form the reader lands on what was wrong.
  const wrong = document.querySelector("[data-focus]");
  if (wrong) wrong.focus();
  tick();
})();
