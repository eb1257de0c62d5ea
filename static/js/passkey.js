// Says on the page that a passkey was not used; allauth's script only writes it to the console.

document.addEventListener("allauth.error", (event) => {
  event.preventDefault();
  for (const note of document.querySelectorAll("[data-passkey-refused]")) {
    note.hidden = true; // so that a second refusal is announced like the first
    requestAnimationFrame(() => { note.hidden = false; });
  }
});
