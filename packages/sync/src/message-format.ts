/** How the messages of a channel become bytes and messages again. */
import { deserialize, serialize } from 'node:v8';
import { SyncError } from './sync-error.ts';

/** Typed arrays that messages may be, by the number that stands for them in memory; 0 stands for structured clones. */
const TYPES = {
  Int8Array: 1,
  Uint8Array: 2,
  Uint8ClampedArray: 3,
  Int16Array: 4,
  Uint16Array: 5,
  Int32Array: 6,
  Uint32Array: 7,
  Float32Array: 8,
  Float64Array: 9,
  BigInt64Array: 10,
  BigUint64Array: 11,
} as const;

type TypeName = keyof typeof TYPES;

/** A class of typed arrays. */
export interface TypedArrayClass<T> {
  readonly name: string;
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBuffer): T;
}

/** Turns messages into bytes and back. */
export interface MessageFormat<T> {
  /** @param most bytes that there is room for. */
  encode(message: T, most: number): Uint8Array;
  /** @param bytes a copy that belongs to the message. */
  decode(bytes: Uint8Array<ArrayBuffer>): T;
}

/** Number of a class of typed arrays. */
export function typeNumber(type: TypedArrayClass<unknown>): number {
  const number = TYPES[type.name as TypeName] as number | undefined;
  if (number === undefined) throw new TypeError(`${type.name} is not a class of typed arrays`);
  return number;
}

export function messageFormat<T>(number: number): MessageFormat<T> {
  const name = Object.entries(TYPES).find(([, value]) => value === number)?.[0] as TypeName | undefined;
  if (name === undefined) return structuredClones as MessageFormat<T>;
  return new TypedArrays(globalThis[name] as unknown as TypedArrayClass<T>);
}

const structuredClones: MessageFormat<unknown> = {
  encode(message, most) {
    const bytes = serialize(message);
    if (bytes.length <= most) return bytes;
    const hint = 'make the channel with a larger messageBytes';
    throw new SyncError('MESSAGE_TOO_LARGE', `a message of ${bytes.length} bytes, over ${most}: ${hint}`);
  },
  decode: (bytes) => deserialize(bytes),
};

class TypedArrays<T> implements MessageFormat<T> {
  readonly #type: TypedArrayClass<T>;

  constructor(type: TypedArrayClass<T>) {
    this.#type = type;
  }

  encode(message: T, most: number): Uint8Array {
    const length = most / this.#type.BYTES_PER_ELEMENT;
    const isOne = message instanceof (this.#type as unknown as typeof Float64Array);
    if (!isOne || message.length !== length) {
      throw new SyncError(
        'WRONG_MESSAGE',
        `messages of this channel are ${this.#type.name}s of length ${length}`,
      );
    }
    return new Uint8Array(message.buffer, message.byteOffset, message.byteLength);
  }

  decode(bytes: Uint8Array<ArrayBuffer>): T {
    return new this.#type(bytes.buffer);
  }
}
