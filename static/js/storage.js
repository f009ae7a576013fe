// The map of a canister: a unit dragged onto a free place sends the form that stands there anyway.
(() => {
  "use strict";

  const map = document.querySelector("form[data-map]");
  if (!map) return;
  let dragged = null;

  const freeUnder = (event) => event.target.closest(".slot[data-slot]");

  function choose(item) {
    const radio = item.querySelector("input[type=radio]");
    radio.checked = true;
    radio.dispatchEvent(new Event("change", { bubbles: true }));
  }

  map.addEventListener("dragstart", (event) => {
    dragged = event.target.closest(".slot[data-unit]");
    if (!dragged) return;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", dragged.dataset.unit);
    dragged.classList.add("dragged");
    map.classList.add("dragging");
  });

  map.addEventListener("dragover", (event) => {
    const free = freeUnder(event);
    if (!dragged || !free) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "move";
    for (const other of map.querySelectorAll(".slot.over")) if (other !== free) other.classList.remove("over");
    free.classList.add("over");
  });

  map.addEventListener("drop", (event) => {
    const free = freeUnder(event);
    if (!dragged || !free) return;
    event.preventDefault();
    choose(dragged);
    choose(free);
    map.requestSubmit();
  });

  map.addEventListener("dragend", () => {
    for (const slot of map.querySelectorAll(".dragged, .over")) slot.classList.remove("dragged", "over");
    map.classList.remove("dragging");
    dragged = null;
  });

  // A click anywhere on a slot chooses it, as a click on its button does.
  map.addEventListener("click", (event) => {
    const slot = event.target.closest(".slot[data-unit], .slot[data-slot]");
    if (slot && !event.target.closest("a, input, label")) choose(slot);
  });
})();
