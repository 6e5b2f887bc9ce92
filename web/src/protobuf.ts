/** The wire format of protocol buffers: as much of it as an ONNX file needs, read where it lies. */

export interface Field {
  readonly number: number;
  /** The bytes of a field with a length; empty for a number. */
  readonly bytes: Uint8Array;
  /** The value of a field that is a number; exact up to 2^53. */
  readonly value: number;
  /** The field with its tag, as it stands in the message. */
  readonly whole: Uint8Array;
}

const VARINT = 0;
const EIGHT_BYTES = 1;
const WITH_LENGTH = 2;
const FOUR_BYTES = 5;
const NONE = new Uint8Array();

/**
 * The fields of a message, in its order.
 *
 * @throws RangeError The message is broken.
 */
export function* fields(message: Uint8Array): Generator<Field> {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = message[at++];
      if (byte === undefined || scale > 2 ** 63) throw new RangeError("a broken protocol buffer");
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  while (at < message.length) {
    const start = at;
    const tag = varint();
    const wire = tag % 8;
    let value = 0;
    let bytes: Uint8Array = NONE;
    if (wire === VARINT) value = varint();
    else if (wire === WITH_LENGTH) {
      const length = varint();
      bytes = message.subarray(at, at + length);
      at += length;
    } else if (wire === EIGHT_BYTES) at += 8;
    else if (wire === FOUR_BYTES) at += 4;
    else throw new RangeError("a broken protocol buffer");
    if (at > message.length) throw new RangeError("a protocol buffer that was cut short");
    yield { number: Math.floor(tag / 8), bytes, value, whole: message.subarray(start, at) };
  }
}

/** A field with a length, with its tag. */
export function written(number: number, bytes: Uint8Array): Uint8Array {
  return joined([varintOf(number * 8 + WITH_LENGTH), varintOf(bytes.length), bytes]);
}

/** Parts one behind the other. */
export function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** The numbers of a packed field, or the one number of a field that is not packed. */
export function numbersOf(field: Field): number[] {
  if (field.bytes.length === 0) return [field.value];
  const packed: number[] = [];
  let value = 0;
  let scale = 1;
  for (const byte of field.bytes) {
    value += (byte & 127) * scale;
    scale *= 128;
    if (byte < 128) {
      packed.push(value);
      value = 0;
      scale = 1;
    }
  }
  return packed;
}

/** Text of a field with a length. */
export function textOf(field: Field): string {
  return new TextDecoder().decode(field.bytes);
}

function varintOf(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  bytes.push(rest);
  return Uint8Array.from(bytes);
}
