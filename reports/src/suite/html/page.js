"use strict";
{
  const all = (selector) => [...document.querySelectorAll(selector)];
  const form = document.getElementById("filter");

  // Escape closes the evidence and leaves the reader where they were.
  const opened = () => document.getElementById(decodeURIComponent(location.hash.slice(1)))?.closest(".panel");
  let from = null;
  const close = (panel) => {
    const top = scrollY;
    const row = document.getElementById("r" + panel.id.slice(1));
    location.hash = row.id;
    scrollTo(0, top);
    (from?.isConnected ? from : row.querySelector("a"))?.focus({ preventScroll: true });
  };
  addEventListener("keydown", (event) => {
    const panel = event.key === "Escape" && opened();
    if (panel) close(panel);
  });
  addEventListener("click", (event) => {
    const link = event.target.closest("a");
    const panel = opened();
    if (link?.closest(".version")) from = link;
    else if (panel && (link?.classList.contains("close") || !panel.contains(event.target))) {
      event.preventDefault();
      close(panel);
    }
  });
  addEventListener("hashchange", () => opened()?.focus());

  if (form) {
    const rows = all(".version tbody tr").map((row) => ({
      row,
      chapter: row.closest(".chapter"),
      version: row.closest(".version"),
      text: (row.cells[0].textContent + " " + (row.dataset.cases ?? "")).toLowerCase(),
      cells: [...row.cells].slice(1),
    }));
    const names = new Map(all(".chapter").map((chapter) => [chapter, chapter.querySelector(".name")?.firstChild.data.trim()]));
    const value = (id) => document.getElementById(id)?.value ?? "";
    const apply = () => {
      const words = value("find").toLowerCase().split(/\s+/).filter(Boolean);
      const [version, chapter, target] = ["version", "chapter", "target"].map(value);
      const wanted = all("#filter :checked[type=checkbox]").map((box) => box.value);
      const filtered = words.length + wanted.length > 0 || version || chapter || target;
      const fits = (one) => {
        const cells = target === "" || one.cells.length === 1 ? one.cells : [one.cells[target]];
        return (
          (!version || one.version.dataset.version === version) &&
          (!chapter || names.get(one.chapter) === chapter) &&
          (!wanted.length || cells.some((cell) => wanted.includes(cell.className))) &&
          words.every((word) => one.text.includes(word))
        );
      };
      const full = new Set();
      let shown = 0;
      for (const one of rows) {
        one.row.hidden = !fits(one);
        if (!one.row.hidden) full.add(one.chapter).add(one.version), (shown += 1);
      }
      for (const part of new Set(rows.flatMap((one) => [one.chapter, one.version]))) {
        part.hidden = !full.has(part);
        if (filtered && full.has(part) && part.matches("details")) part.open = true;
      }
      document.getElementById("shown").value = filtered ? `${shown} of ${rows.length} rows` : "";
    };
    form.hidden = false;
    form.addEventListener("input", apply);
    form.addEventListener("reset", () => setTimeout(apply));
    form.addEventListener("submit", (event) => event.preventDefault());
    for (const id of ["fold", "unfold"]) {
      document.getElementById(id).addEventListener("click", () => {
        for (const chapter of all(".version .chapter")) chapter.open = id === "unfold";
      });
    }
    apply();
  }
}
