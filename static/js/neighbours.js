// The arrow keys go to the page before and after, where the page has links to them.

document.addEventListener("keydown", (event) => {
  const rel = { ArrowLeft: "prev", ArrowRight: "next" }[event.key];
  const busy = event.target.closest("input, select, textarea, [tabindex='0'].scroll");
  if (rel && !busy && !event.altKey && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    document.querySelector(`main a[rel="${rel}"]`)?.click();
  }
});
