// Turns the pages of what was found. The buttons come with the results; their presses go to the server as a value.
document.addEventListener('click', (event) => {
  const button = event.target.closest('#sk-duplicates [data-page]');
  if (!button) return;
  for (const other of document.querySelectorAll('#sk-duplicates [data-page]')) other.disabled = true;
  props.value = { part: button.dataset.part, page: Number(button.dataset.page) };
  trigger('submit');
});

// A new page begins at its top, for the eye and for the keyboard.
const results = document.querySelector('#sk-duplicates');
if (results) {
  new MutationObserver(() => {
    if (results.querySelector('.sk-pages, .sk-parts') && props.value) {
      results.setAttribute('tabindex', '-1');
      results.focus({ preventScroll: true });
      results.scrollIntoView({ block: 'start' });
    }
  }).observe(results, { childList: true, subtree: true });
}
