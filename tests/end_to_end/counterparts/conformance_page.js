// What a reader does on the page of a conformance run; what came of it becomes the page's title.
const find = (selector) => document.querySelector(selector);
const said = [];
const shown = () => said.push(find("#shown").value);
const after = (then) => setTimeout(then, 100);
after(() => {
  find("#find").value = "3.3.1-4";
  find("#filter").dispatchEvent(new Event("input"));
  shown();
  find("#filter").reset();
  after(() => {
    find("#filter input[value=p]").click();
    shown();
    const link = find("td.p a");
    link.click();
    after(() => {
      said.push(document.querySelectorAll(".panel:has(:target), .panel:target").length + " open");
      document.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true }));
      after(() => {
        said.push(document.querySelectorAll(".panel:has(:target), .panel:target").length + " open");
        said.push(document.activeElement === link ? "back" : "lost");
        document.title = said.join(" | ");
      });
    });
  });
});
