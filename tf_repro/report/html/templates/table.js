"use strict";
// Sorting and filtering of the page's tables. Without this script every row is there, in the document's order.

// A table with data-sortable: a click on a heading with data-sort="text" or "number" sorts up, then down, then as before.
for (const table of document.querySelectorAll("table[data-sortable]")) {
  const body = table.tBodies[0];
  const original = [...body.rows];
  const headings = [...table.tHead.rows[0].cells];
  for (const heading of headings.filter((cell) => cell.dataset.sort)) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    heading.setAttribute("aria-sort", "none");
    button.addEventListener("click", () => {
      const next = { none: "ascending", ascending: "descending", descending: "none" }[heading.getAttribute("aria-sort")];
      for (const other of headings) if (other.hasAttribute("aria-sort")) other.setAttribute("aria-sort", "none");
      heading.setAttribute("aria-sort", next);
      table.classList.toggle("sorted", next !== "none");
      body.append(...sorted(original, heading, next));
    });
  }
}

function sorted(rows, heading, direction) {
  if (direction === "none") return rows;
  const sign = direction === "ascending" ? 1 : -1;
  const keys = new Map(rows.map((row) => [row, sortKey(row.cells[heading.cellIndex], heading.dataset.sort)]));
  return [...rows].sort((a, b) => {
    const [left, right] = [keys.get(a), keys.get(b)];
    if (left === null || right === null) return (left === null) - (right === null); // no value: last, either way
    return sign * (typeof left === "number" ? left - right : left.localeCompare(right, "en", { numeric: true }));
  });
}

function sortKey(cell, kind) {
  const text = cell.dataset.value ?? cell.textContent.trim();
  if (kind === "text") return text;
  return text === "" || Number.isNaN(Number(text)) ? null : Number(text);
}

// A form with data-filters="table id": a row stays when, for every select, its data-<name> has the chosen word,
// and its text has what is searched for.
for (const form of document.querySelectorAll("form[data-filters]")) {
  const rows = [...document.getElementById(form.dataset.filters).tBodies[0].rows];
  const apply = () => {
    const searched = form.querySelector("input[type=search]").value.trim().toLowerCase();
    const chosen = [...form.querySelectorAll("select")].filter((select) => select.value);
    let shown = 0;
    for (const row of rows) {
      const fits = chosen.every(({ name, value }) => row.dataset[name].split(" ").includes(value));
      row.hidden = !fits || !row.textContent.toLowerCase().includes(searched);
      shown += !row.hidden;
    }
    form.querySelector("output").value = `${shown} of ${rows.length} rows`;
  };
  form.addEventListener("input", apply);
  form.querySelector("button").addEventListener("click", () => {
    form.reset();
    apply();
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  apply();
}
