// The picture wells of one tab. Gradio runs this with `element`, `props` and `trigger` of the component.

const wells = [...element.querySelectorAll('.sk-well')];
const complaint = element.querySelector('.sk-complaint');
const pictures = wells.map(() => null); // data URLs
const part = (well, selector) => well.querySelector(selector);
const button = (well, what) => part(well, `[data-do=${what}]`);
const trio = wells.length === 3;

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
  try {
    const bitmap = await createImageBitmap(file);
    const scale = Math.min(1, 1600 / Math.max(bitmap.width, bitmap.height));
    const canvas = document.createElement('canvas');
    canvas.width = Math.max(1, Math.round(bitmap.width * scale));
    canvas.height = Math.max(1, Math.round(bitmap.height * scale));
    const context = canvas.getContext('2d');
    context.fillStyle = 'white'; // what is transparent is laid on white, as the server does
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    bitmap.close();
    return await new Promise((resolve) => canvas.toBlob((blob) => resolve(blob || file), 'image/jpeg', 0.92));
  } catch {
    return file;
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
  const well = wells[index];
  const image = part(well, 'img');
  if (image.src) URL.revokeObjectURL(image.src);
  image.src = URL.createObjectURL(blob);
  image.alt = file.name ? `Chosen: ${file.name}` : 'The picture chosen';
  if (trio) document.documentElement.style.setProperty(`--sk-trio-${index + 1}`, `url(${image.src})`);
  show(well, 'picture');
  return true;
}

function show(well, what) {
  part(well, 'img').hidden = what !== 'picture';
  part(well, 'video').hidden = what !== 'camera';
  part(well, '.sk-hint').hidden = what !== 'nothing';
  button(well, 'camera').hidden = what === 'camera' || !navigator.mediaDevices;
  button(well, 'shoot').hidden = what !== 'camera';
  button(well, 'cancel').hidden = what !== 'camera';
  button(well, 'remove').hidden = what !== 'picture';
}

// Several files fill the wells from this one on.
async function fill(index, files) {
  for (const [offset, file] of [...files].slice(0, wells.length).entries()) {
    if (!(await put((index + offset) % wells.length, file))) return;
  }
  submit();
}

function submit() {
  if (pictures.every(Boolean)) {
    props.value = { images: [...pictures] };
    trigger('submit');
  }
}

function stopCamera(well) {
  const video = part(well, 'video');
  if (video.srcObject) video.srcObject.getTracks().forEach((track) => track.stop());
  video.srcObject = null;
}

const actions = {
  async camera(well) {
    try {
      const video = part(well, 'video');
      video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' } });
      await video.play();
      show(well, 'camera');
      button(well, 'shoot').focus();
      complain('');
    } catch {
      complain('The camera cannot be used: there is none, or this page may not use it.');
    }
  },
  async shoot(well, index) {
    const video = part(well, 'video');
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
    canvas.getContext('2d').drawImage(video, 0, 0);
    stopCamera(well);
    const blob = await new Promise((resolve) => canvas.toBlob(resolve, 'image/jpeg', 0.92));
    await fill(index, [blob]);
    button(well, 'remove').focus();
  },
  cancel(well, index) {
    stopCamera(well);
    show(well, pictures[index] ? 'picture' : 'nothing');
    button(well, 'camera').focus();
  },
  remove(well, index) {
    pictures[index] = null;
    part(well, 'input').value = '';
    show(well, 'nothing');
    part(well, 'input').focus();
  },
};

wells.forEach((well, index) => {
  show(well, 'nothing');
  const input = part(well, 'input');
  input.addEventListener('change', () => fill(index, input.files));
  for (const kind of ['dragenter', 'dragover']) {
    well.addEventListener(kind, (event) => {
      event.preventDefault();
      well.classList.add('sk-over');
    });
  }
  well.addEventListener('dragleave', () => well.classList.remove('sk-over'));
  well.addEventListener('drop', (event) => {
    event.preventDefault();
    well.classList.remove('sk-over');
    if (event.dataTransfer.files.length) fill(index, event.dataTransfer.files);
  });
  for (const [name, act] of Object.entries(actions)) {
    button(well, name).addEventListener('click', () => act(well, index));
  }
});

// A paste goes to the well in focus, or else to the first empty one of the tab that is shown.
document.addEventListener('paste', (event) => {
  const files = [...(event.clipboardData?.files ?? [])].filter((file) => file.type.startsWith('image/'));
  if (!files.length || element.offsetParent === null) return;
  event.preventDefault();
  const focused = wells.findIndex((well) => well.contains(document.activeElement));
  fill(focused >= 0 ? focused : Math.max(0, pictures.indexOf(null)), files);
});

// A picture dropped beside a well must not make the browser leave the page.
for (const kind of ['dragover', 'drop']) {
  document.addEventListener(kind, (event) => event.preventDefault());
}

for (const example of element.querySelectorAll('.sk-example')) {
  example.addEventListener('click', async () => {
    const names = example.dataset.pictures.split(' ');
    const blobs = await Promise.all(names.map(async (name) => (await fetch(`/examples/${name}`)).blob()));
    await fill(0, blobs);
  });
}
