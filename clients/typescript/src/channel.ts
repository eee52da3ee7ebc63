/**
 * The connection to a server.
 *
 * Owns the channel, how it is encrypted, what every call carries, and the ways to make a call. The invariant: what leaves here is an answer or a
 * `GraphwireError`.
 */

import { create, type DescMessage, type DescMethodServerStreaming, type DescMethodUnary, type MessageInitShape, type MessageShape } from "@bufbuild/protobuf";
import { type ChannelOptions, Client as Channel, type ChannelCredentials, credentials, type Interceptor, Metadata, type ServiceError } from "@grpc/grpc-js";
import { Call } from "./call.js";
import { aborted, closed, fromStatus } from "./errors.js";
import { asIs, decoder, encoded, pathOf } from "./methods.js";
import { serviceConfig } from "./service_config.js";
import { realTime, type Time } from "./time.js";

/** How a client is opened. */
export interface ConnectOptions {
  /** Sent with every call as `x-api-key`. Without TLS it crosses the network readable. */
  apiKey?: string | undefined;
  /** Sent with every call, by key. */
  metadata?: Readonly<Record<string, string>> | undefined;
  /** Whether the connection is encrypted, with the public root certificates. Default: false. */
  tls?: boolean | undefined;
  /** The root certificates to trust instead, in PEM; then the connection is encrypted. */
  rootCertificates?: string | Buffer | undefined;
  /** The certificate that this client shows, in PEM, where the server asks for one; then the connection is encrypted. */
  certificateChain?: string | Buffer | undefined;
  /** The private key of that certificate, in PEM. */
  privateKey?: string | Buffer | undefined;
  /** Seconds without progress after which a broken stream is given up; 0 means at once. Default: 60. */
  patience?: number | undefined;
  /** Whether the runs of `stream` have their events kept on the server, so that a stream outlives its restart as well. Default: true. */
  keepEvents?: boolean | undefined;
  /** Seconds of silence after which a connection with open calls is pinged; the server takes pings at least 10 s apart. Default: 30. */
  keepaliveTime?: number | undefined;
  /** Seconds after which a ping without an answer ends the connection. Default: 10. */
  keepaliveTimeout?: number | undefined;
  /** gRPC's interceptors, called for every call: for tracing, or for metadata that changes, such as tokens that expire. */
  interceptors?: Interceptor[] | undefined;
  /** gRPC's channel options. They win over this client's own. */
  channelOptions?: ChannelOptions | undefined;
}

/** What every call takes. */
export interface CallOptions {
  /** Ends the call when it is aborted; `AbortSignal.timeout(ms)` bounds it. Default: no bound. */
  signal?: AbortSignal | undefined;
}

/** Something that ends when the client is closed. */
export interface Open {
  close(): void;
}

/** A channel and what every call on it needs. */
export class Wire {
  /** Seconds without progress after which a broken stream is given up. */
  readonly patience: number;
  /** Whether streams ask for events that are kept. */
  readonly keepEvents: boolean;
  readonly time: Time;
  readonly #channel: Channel;
  readonly #metadata = new Metadata();
  readonly #open = new Set<Open>();
  #closed = false;

  constructor(address: string, options: ConnectOptions, time: Time = realTime) {
    this.patience = positive(options.patience ?? 60, "patience");
    this.keepEvents = options.keepEvents ?? true;
    this.time = time;
    for (const [key, value] of Object.entries(options.metadata ?? {})) {
      this.#metadata.set(key, value);
    }
    if (options.apiKey !== undefined) {
      this.#metadata.set("x-api-key", options.apiKey);
    }
    this.#channel = new Channel(address, channelCredentials(options), { ...channelOptions(options), interceptors: options.interceptors ?? [] });
  }

  /**
   * The answer to a request.
   *
   * @throws GraphwireError The service failed the call, its signal was aborted, or the client was closed.
   */
  call<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    { signal }: CallOptions = {},
  ): Promise<MessageShape<O>> {
    return new Promise((resolve, reject) => {
      this.#mayCall(signal);
      // Encoded here, so that what cannot be sent is told by the encoder, and not by gRPC as a failed call.
      const bytes = encoded(method.input, create(method.input, request));
      const done = (error: ServiceError | null, answer?: MessageShape<O>): void => {
        open.done();
        if (error === null) {
          resolve(answer as MessageShape<O>);
        } else {
          reject(fromStatus(error, error));
        }
      };
      const call = this.#channel.makeUnaryRequest(pathOf(method), asIs, decoder(method.output), bytes, this.#metadata.clone(), done);
      const open = this.follow(signal, (error) => {
        call.cancel();
        reject(error);
      });
    });
  }

  /**
   * A call that streams.
   *
   * @throws GraphwireError The client is closed.
   */
  stream<I extends DescMessage, O extends DescMessage>(method: DescMethodServerStreaming<I, O>, request: MessageShape<I>): Call {
    this.#mayCall(undefined);
    const stream = this.#channel.makeServerStreamRequest(pathOf(method), asIs, asIs, encoded(method.input, request), this.#metadata.clone());
    return new Call(stream, this.time.now);
  }

  /**
   * Watches over something under way: `end` is called, once, when its signal is aborted or the client is closed.
   *
   * @returns What to call when it is over, so that neither the signal nor the client holds on to it.
   * @throws GraphwireError The signal is aborted, or the client closed, already.
   */
  follow(signal: AbortSignal | undefined, end: (error: Error) => void): { done(): void } {
    this.#mayCall(signal);
    const abort = (): void => finish(aborted(signal as AbortSignal));
    const open = { close: () => finish(closed()) };
    const done = (): void => {
      signal?.removeEventListener("abort", abort);
      this.#open.delete(open);
    };
    const finish = (error: Error): void => {
      done();
      end(error);
    };
    signal?.addEventListener("abort", abort, { once: true });
    this.#open.add(open);
    return { done };
  }

  /** Ends all calls, and closes the connection. */
  close(): void {
    this.#closed = true;
    for (const open of [...this.#open]) {
      open.close();
    }
    this.#channel.close();
  }

  #mayCall(signal: AbortSignal | undefined): void {
    if (this.#closed) {
      throw closed();
    }
    if (signal?.aborted) {
      throw aborted(signal);
    }
  }
}

function channelOptions(options: ConnectOptions): ChannelOptions {
  return {
    "grpc.service_config": serviceConfig,
    // A state may be larger than gRPC's 4 MiB; the server splits events, but answers of unary calls come whole.
    "grpc.max_receive_message_length": -1,
    "grpc.keepalive_time_ms": positive(options.keepaliveTime ?? 30, "keepaliveTime") * 1000,
    "grpc.keepalive_timeout_ms": positive(options.keepaliveTimeout ?? 10, "keepaliveTimeout") * 1000,
    "grpc.keepalive_permit_without_calls": 0,
    "grpc.initial_reconnect_backoff_ms": 100,
    "grpc.max_reconnect_backoff_ms": 5000,
    ...options.channelOptions,
  };
}

function channelCredentials({ tls, rootCertificates, certificateChain, privateKey }: ConnectOptions): ChannelCredentials {
  if ((certificateChain === undefined) !== (privateKey === undefined)) {
    throw new TypeError("certificateChain and privateKey belong together: give both, or none");
  }
  if (!tls && rootCertificates === undefined && certificateChain === undefined) {
    return credentials.createInsecure();
  }
  return credentials.createSsl(pem(rootCertificates), pem(privateKey), pem(certificateChain));
}

function pem(value: string | Buffer | undefined): Buffer | null {
  return value === undefined ? null : Buffer.from(value);
}

function positive(value: number, name: string): number {
  if (!(value >= 0)) {
    throw new RangeError(`${name}: ${value} is not a number of seconds`);
  }
  return value;
}
