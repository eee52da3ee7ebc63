/**
 * The messages of the calls that stream: StreamRunResponse, JoinRunResponse and WatchThreadResponse.
 *
 * All three are a list of events, and nothing else that this client knows. It is taken apart here, and each event is decoded when its turn comes: a reader that
 * lags gets thousands of events in a message, and decoded all at once they cost the garbage collector more than all the rest.
 */

import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { StreamRunResponseSchema } from "./gen/graphwire/v1/run_service_pb.js";

const EVENTS = StreamRunResponseSchema.field.events.number;

/**
 * The events of a message, each as its bytes.
 *
 * @throws Error It is not such a message.
 */
export function eventsOf(message: Uint8Array): Uint8Array[] {
  const events: Uint8Array[] = [];
  const reader = new BinaryReader(message);
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === EVENTS && type === WireType.LengthDelimited) {
      events.push(reader.bytes());
    } else {
      reader.skip(type, field);
    }
  }
  return events;
}
