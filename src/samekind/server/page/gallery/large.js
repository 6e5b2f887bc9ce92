// Pictures of the gallery open large, with name and folder; arrows lead to the next. Gradio runs this with `element`.

let view = document.getElementById('sk-view');
if (!view) {
  view = document.createElement('dialog');
  view.id = 'sk-view';
  view.innerHTML =
    '<figure><img alt=""><p class="sk-gone" hidden>cannot be shown</p><figcaption><b></b><span></span></figcaption></figure>' +
    '<div class="sk-tools"><button type="button" data-step="-1">‹ Before</button>' +
    '<button type="button" data-step="1">Next ›</button><button type="button" data-step="0">Close</button></div>';
  document.body.append(view);
  const image = view.querySelector('img');
  let links = [];
  let now = 0;
  const show = (index) => {
    now = (index + links.length) % links.length;
    const link = links[now];
    image.hidden = false;
    view.querySelector('.sk-gone').hidden = true;
    image.src = link.href;
    image.alt = link.dataset.file;
    view.querySelector('b').textContent = link.dataset.file;
    view.querySelector('figcaption span').textContent = link.dataset.folder;
  };
  image.addEventListener('error', () => {
    image.hidden = true;
    view.querySelector('.sk-gone').hidden = false;
  });
  view.open_large = (link, place) => {
    links = [...place.querySelectorAll('.sk-large')];
    show(links.indexOf(link));
    view.showModal();
  };
  view.addEventListener('click', (event) => {
    const step = event.target.closest('[data-step]')?.dataset.step;
    if (step === '0' || event.target === view) view.close();
    else if (step) show(now + Number(step));
  });
  view.addEventListener('keydown', (event) => {
    if (event.key === 'ArrowLeft') show(now - 1);
    if (event.key === 'ArrowRight') show(now + 1);
  });
  view.addEventListener('close', () => links[now]?.focus());
}

element.addEventListener('click', (event) => {
  const link = event.target.closest('.sk-large');
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return; // these open a tab of its own
  event.preventDefault();
  view.open_large(link, element);
});

// What cannot be drawn leaves words, not a broken icon.
element.addEventListener(
  'error',
  (event) => {
    if (event.target.tagName !== 'IMG') return;
    const gone = document.createElement('div');
    gone.className = 'sk-gone';
    gone.textContent = 'cannot be shown';
    (event.target.closest('.sk-large') ?? event.target).replaceWith(gone);
  },
  true,
);
