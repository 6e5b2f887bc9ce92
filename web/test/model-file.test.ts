import { expect, test } from "vitest";

import { parseCard } from "../src/card.js";
import { ModelFileError } from "../src/errors.js";
import { readModel } from "../src/model-file.js";
import { OnnxFile } from "../src/onnx.js";
import { fields, written } from "../src/protobuf.js";
import { model } from "./pictures.js";

test.each(["general", "imagenette"])(
  "the card of %s is read, and its fingerprint is that of its network",
  async (name) => {
    const { card } = await readModel(model(name), name);
    expect(card.name).toBe(name);
    expect(card.input_size).toBe(224);
    expect(card.pair.operating_points["balanced"]!.threshold).toBeGreaterThan(0);
  },
);

test("a file with one bit of its network changed is refused", async () => {
  const data = Uint8Array.from(model("imagenette"));
  data[4_000_000]! ^= 1;
  await expect(readModel(data, "mine.onnx")).rejects.toThrow(/mine\.onnx: corrupt/);
});

test("what is no model is refused by name, wherever it was cut", async () => {
  const whole = model("imagenette");
  for (const length of [0, 1, 10, 1000, whole.length - 1, whole.length - 5000]) {
    await expect(readModel(whole.subarray(0, length), "cut.onnx")).rejects.toThrow(ModelFileError);
  }
  await expect(readModel(new TextEncoder().encode("GIF89a, and more"), "a.gif")).rejects.toThrow(/a\.gif/);
});

test("a card that the page cannot judge by is refused, and says why", async () => {
  const { card } = await readModel(model("imagenette"));
  const refused = (changes: object) => () => parseCard(JSON.stringify({ ...card, ...changes }), "mine.onnx");
  expect(refused({})).not.toThrow();
  expect(refused({ pair: null })).toThrow(/mine\.onnx: not calibrated/);
  expect(refused({ resize: "crop" })).toThrow(/middle of each picture/);
  expect(refused({ format_version: 3 })).toThrow(/format 3/);
  expect(refused({ trio: { weights: [1] } })).toThrow(/broken \(trio\)/);
});

test("more outputs change nothing else of a file", () => {
  const data = model("imagenette");
  const more = new OnnxFile(new OnnxFile(data, "a").withOutputs(["view"]), "b");
  const [before, after] = [new OnnxFile(data, "a").graph(), more.graph()];
  expect(after.outputs).toEqual([...before.outputs, "view"]);
  expect(after.nodes).toEqual(before.nodes);
  expect([...more.metadata]).toEqual([...new OnnxFile(data, "a").metadata]);
});

test("a field that was written is read again, also one longer than a varint's byte", () => {
  for (const length of [0, 1, 127, 128, 20_000]) {
    const [field] = fields(written(14, new Uint8Array(length).fill(3)));
    expect(field).toMatchObject({ number: 14, bytes: new Uint8Array(length).fill(3) });
  }
});
