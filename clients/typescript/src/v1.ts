/** The generated messages, enums and services of the API, as protobuf-es makes them. */

export * from "./gen/graphwire/v1/assistant_pb.js";
export * from "./gen/graphwire/v1/assistant_service_pb.js";
export * from "./gen/graphwire/v1/cron_pb.js";
export * from "./gen/graphwire/v1/cron_service_pb.js";
export * from "./gen/graphwire/v1/error_pb.js";
export * from "./gen/graphwire/v1/event_pb.js";
export * from "./gen/graphwire/v1/interrupt_pb.js";
export * from "./gen/graphwire/v1/json_pb.js";
export * from "./gen/graphwire/v1/run_pb.js";
export * from "./gen/graphwire/v1/run_service_pb.js";
export * from "./gen/graphwire/v1/store_pb.js";
export * from "./gen/graphwire/v1/store_service_pb.js";
export * from "./gen/graphwire/v1/thread_pb.js";
export * from "./gen/graphwire/v1/thread_service_pb.js";
export * from "./gen/graphwire/v1/webhook_pb.js";
