// The picture inputs of one tab. Gradio runs this with `element`, `props` and `trigger` of the component.

const places = [...element.querySelectorAll('.sk-picture')];
const complaint = element.querySelector('.sk-complaint');
const pictures = places.map(() => null); // data URLs
const part = (place, selector) => place.querySelector(selector);
const button = (place, what) => part(place, `[data-do=${what}]`);
const trio = places.length === 3;

function complain(sentence) {
  complaint.textContent = sentence;
}

function asDataUrl(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });
}

// A photograph of many megabytes is drawn smaller here; what this browser cannot draw goes as it is.
async function shrunk(file) {
  if (file.size <= props.shrink_bytes) return file;
  return (await drawn(file, 1600)) || file;
}

// A picture drawn anew, at most so many pixels wide and high; null where this browser cannot draw it.
async function drawn(file, side) {
  try {
    const bitmap = await createImageBitmap(file);
    const scale = Math.min(1, side / Math.max(bitmap.width, bitmap.height));
    const canvas = document.createElement('canvas');
    canvas.width = Math.max(1, Math.round(bitmap.width * scale));
    canvas.height = Math.max(1, Math.round(bitmap.height * scale));
    const context = canvas.getContext('2d');
    context.fillStyle = 'white'; // what is transparent is laid on white, as the server does
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    bitmap.close();
    return await new Promise((resolve) => canvas.toBlob(resolve, 'image/jpeg', 0.92));
  } catch {
    return null;
  }
}

async function put(index, file) {
  if (file.size > props.max_bytes && !file.type.startsWith('image/')) {
    complain('This is not a picture.');
    return false;
  }
  const blob = await shrunk(file);
  if (blob.size > props.max_bytes) {
    complain(`This file is too large; at most ${Math.round(props.max_bytes / 1e6)} MB are taken.`);
    return false;
  }
  complain('');
  pictures[index] = await asDataUrl(blob);
  const place = places[index];
  const image = part(place, 'img');
  if (image.src) URL.revokeObjectURL(image.src);
  // What this browser cannot draw is named instead; the server may know its format, or says what is wrong with it.
  image.onerror = () => {
    part(place, '.sk-unseen').textContent = file.name ? `${file.name} (no preview)` : 'No preview';
    if (pictures[index]) show(place, 'unseen');
  };
  image.src = URL.createObjectURL(blob);
  image.alt = file.name ? `Chosen: ${file.name}` : 'The picture chosen';
  if (trio) document.documentElement.style.setProperty(`--sk-trio-${index + 1}`, `url(${image.src})`);
  show(place, 'picture');
  return true;
}

function show(place, what) {
  part(place, 'img').hidden = what !== 'picture';
  part(place, '.sk-unseen').hidden = what !== 'unseen';
  part(place, 'video').hidden = what !== 'camera';
  part(place, '.sk-hint').hidden = what !== 'nothing';
  button(place, 'camera').hidden = what === 'camera' || !navigator.mediaDevices;
  button(place, 'shoot').hidden = what !== 'camera';
  button(place, 'cancel').hidden = what !== 'camera';
  button(place, 'remove').hidden = what !== 'picture' && what !== 'unseen';
}

// Several files fill the places from this one on.
async function fill(index, files) {
  for (const [offset, file] of [...files].slice(0, places.length).entries()) {
    if (!(await put((index + offset) % places.length, file))) return;
  }
  submit();
}

function submit() {
  if (pictures.every(Boolean)) {
    const among = others.length >= props.fewest_others ? [...others] : []; // fewer tell nothing yet
    props.value = { images: [...pictures], among };
    trigger('submit');
  }
}

// Other pictures, among which to judge: small ones of them are enough, for they are many.
const well = element.querySelector('.sk-others');
const others = []; // data URLs
let gathering = Promise.resolve(); // one handful after the other

async function gather(files) {
  const strip = part(well, '.sk-strip');
  const left = [];
  for (const file of files) {
    if (others.length >= props.most_others) break;
    const blob = await drawn(file, 512);
    if (!blob) {
      left.push(file.name || 'a picture');
      continue;
    }
    others.push(await asDataUrl(blob));
    const image = document.createElement('img');
    image.alt = '';
    image.src = others.at(-1);
    strip.append(image);
    count();
  }
  complain(left.length ? `This browser cannot draw, so left out: ${left.join(', ')}.` : '');
  count();
  submit();
}

function count() {
  const [now, fewest, most] = [others.length, props.fewest_others, props.most_others];
  const more = now < fewest ? `; ${fewest - now} more and they count` : now < most ? '' : ', which is as many as fit';
  part(well, '.sk-count').textContent = now ? `${now} ${now === 1 ? 'picture' : 'pictures'}${more}` : '';
  button(well, 'clear').hidden = !now;
}

function take(list) {
  const files = [...list]; // an input's own list is emptied with it
  gathering = gathering.then(() => gather(files));
}

if (well) {
  const input = part(well, 'input');
  input.addEventListener('change', () => {
    take(input.files);
    input.value = '';
  });
  droppable(well, take);
  button(well, 'clear').addEventListener('click', () => {
    gathering = gathering.then(() => {
      others.length = 0;
      part(well, '.sk-strip').replaceChildren();
      count();
      input.focus();
      submit();
    });
  });
}

function droppable(place, accept) {
  for (const kind of ['dragenter', 'dragover']) {
    place.addEventListener(kind, (event) => {
      event.preventDefault();
      place.classList.add('sk-over');
    });
  }
  place.addEventListener('dragleave', () => place.classList.remove('sk-over'));
  place.addEventListener('drop', (event) => {
    event.preventDefault();
    place.classList.remove('sk-over');
    if (event.dataTransfer.files.length) accept(event.dataTransfer.files);
  });
}

function stopCamera(place) {
  const video = part(place, 'video');
  if (video.srcObject) video.srcObject.getTracks().forEach((track) => track.stop());
  video.srcObject = null;
}

const actions = {
  async camera(place) {
    try {
      const video = part(place, 'video');
      video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' } });
      await video.play();
      show(place, 'camera');
      button(place, 'shoot').focus();
      complain('');
    } catch {
      complain('The camera cannot be used: there is none, or this page may not use it.');
    }
  },
  async shoot(place, index) {
    const video = part(place, 'video');
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
    canvas.getContext('2d').drawImage(video, 0, 0);
    stopCamera(place);
    const blob = await new Promise((resolve) => canvas.toBlob(resolve, 'image/jpeg', 0.92));
    await fill(index, [blob]);
    button(place, 'remove').focus();
  },
  cancel(place, index) {
    stopCamera(place);
    show(place, pictures[index] ? 'picture' : 'nothing');
    button(place, 'camera').focus();
  },
  remove(place, index) {
    pictures[index] = null;
    part(place, 'input').value = '';
    show(place, 'nothing');
    part(place, 'input').focus();
  },
};

places.forEach((place, index) => {
  show(place, 'nothing');
  const input = part(place, 'input');
  input.addEventListener('change', () => fill(index, input.files));
  droppable(place, (files) => fill(index, files));
  for (const [name, act] of Object.entries(actions)) {
    button(place, name).addEventListener('click', () => act(place, index));
  }
});

// A paste goes to the place in focus, or else to the first empty one of the tab that is shown; many go among the others.
document.addEventListener('paste', (event) => {
  const files = [...(event.clipboardData?.files ?? [])].filter((file) => file.type.startsWith('image/'));
  if (!files.length || element.offsetParent === null) return;
  event.preventDefault();
  if (well && (well.contains(document.activeElement) || files.length > places.length)) {
    take(files);
    return;
  }
  const focused = places.findIndex((place) => place.contains(document.activeElement));
  fill(focused >= 0 ? focused : Math.max(0, pictures.indexOf(null)), files);
});

// A picture dropped beside a place must not make the browser leave the page.
for (const kind of ['dragover', 'drop']) {
  document.addEventListener(kind, (event) => event.preventDefault());
}

for (const example of element.querySelectorAll('.sk-example')) {
  example.addEventListener('click', async () => {
    const names = example.dataset.pictures.split(' ');
    const blobs = await Promise.all(names.map(async (name) => (await fetch(`examples/${name}`)).blob()));
    await fill(0, blobs);
  });
}
