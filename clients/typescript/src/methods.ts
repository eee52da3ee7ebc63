/**
 * The generated methods, as gRPC wants them.
 *
 * Owns the step between the two libraries: the path of a method, and messages to and from bytes.
 */

import { type DescMessage, type DescMethod, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";

/** Where a method is called. */
export function pathOf(method: DescMethod): string {
  return `/${method.parent.typeName}/${method.name}`;
}

/**
 * The bytes of a message.
 *
 * @throws Error A field has a value that its type cannot hold.
 */
export function encoded<D extends DescMessage>(schema: D, message: MessageShape<D>): Buffer {
  const bytes = toBinary(schema, message);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** What makes messages from bytes. */
export function decoder<D extends DescMessage>(schema: D): (bytes: Buffer) => MessageShape<D> {
  return (bytes) => fromBinary(schema, bytes);
}

/** Bytes to bytes. */
export function asIs(bytes: Buffer): Buffer {
  return bytes;
}
