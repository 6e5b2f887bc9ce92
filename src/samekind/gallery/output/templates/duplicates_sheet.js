// Boxes to a plan. Each box has its line of the plan but for the first word, which follows from whether it is ticked.
'use strict';
const plan = JSON.parse(document.getElementById('plan').textContent);
const bar = document.getElementById('bar');
const groups = [...document.querySelectorAll('section[data-head]')];
const boxesOf = (group) => [...group.querySelectorAll('input[type=checkbox]')];
const boxes = groups.flatMap(boxesOf);

// What becomes of an image. Where the one worth keeping may go, the others stay for it.
function action(box, group) {
  if (box.checked) return 'remove';
  return box.dataset.first === 'look' && !group.keepGoes ? 'look' : 'keep';
}

// As `samekind duplicates --apply` sees it: an image is moved only if a copy of it, directly, is kept.
function hasKeptCopy(box, kept) {
  const { name, of, sha } = box.dataset;
  return kept.some((other) => other.dataset.name === of || other.dataset.of === name || other.dataset.sha === sha);
}

function update(group) {
  const own = boxesOf(group);
  group.keepGoes = own[0].checked;
  const kept = own.filter((box) => action(box, group) === 'keep');
  for (const box of own) {
    const card = box.closest('li');
    card.classList.toggle('going', box.checked);
    const stays = box.checked && !hasKeptCopy(box, kept);
    card.querySelector('.stays').textContent = stays ? 'Would stay all the same: no copy of it is kept.' : '';
  }
}

function count() {
  const ticked = boxes.filter((box) => box.checked);
  const megabytes = ticked.reduce((sum, box) => sum + Number(box.dataset.size), 0) / 1e6;
  const words = ticked.length === 1 ? '1 picture may go' : `${ticked.length.toLocaleString('en')} pictures may go`;
  document.getElementById('count').textContent = `${words}, ${megabytes.toFixed(1)} MB`;
  document.getElementById('said').textContent = '';
}

function tick(wanted) {
  for (const box of boxes) box.checked = wanted(box);
  groups.forEach(update);
  count();
}

function text() {
  const parts = groups.map((group) => {
    const lines = boxesOf(group).map((box) => `${action(box, group).padEnd(6)} ${box.dataset.line}\n`);
    return `\n${group.dataset.head}\n${lines.join('')}`;
  });
  return plan.head + parts.join('');
}

function save() {
  download(plan.name, text(), 'text/plain;charset=utf-8');
  const said = document.getElementById('said');
  said.textContent = `Saved as ${plan.name}, where your browser puts downloads. To see what it would do, type there: `;
  const command = document.createElement('code');
  command.textContent = `samekind duplicates --apply ${plan.name}`;
  said.append(command);
}

document.addEventListener('change', (event) => {
  const group = event.target.closest('section[data-head]');
  if (group) {
    update(group);
    count();
  }
});
document.getElementById('sure').addEventListener('click', () => tick((box) => box.dataset.first === 'remove'));
document.getElementById('none').addEventListener('click', () => tick(() => false));
bar.addEventListener('submit', (event) => {
  event.preventDefault();
  save();
});
if (boxes.length) {
  bar.hidden = false;
  groups.forEach(update);
  count();
}
