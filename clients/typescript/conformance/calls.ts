/**
 * The unary methods, each with the client's function for it.
 */

import type { DescMethodUnary, Message } from "@bufbuild/protobuf";
import { InterceptingCall, type Interceptor } from "@grpc/grpc-js";
import type { GraphwireClient } from "../src/index.js";
import { AssistantService, CronService, RunService, StoreService, ThreadService } from "../src/v1.js";

type Options = Record<string, any>;

const FUNCTIONS: Record<string, (client: GraphwireClient, options: Options) => Promise<unknown>> = {
  CreateRun: (client, options) => client.create(options as never),
  InvokeRun: (client, options) => client.invoke(options as never),
  WaitRun: (client, { runId, ...options }) => client.wait(runId ?? "", options),
  CancelRun: (client, { runId, ...options }) => client.cancel(runId ?? "", options),
  GetRun: (client, { runId, ...options }) => client.runs.get(runId ?? "", options),
  ListRuns: (client, { threadId, ...options }) => first(client.runs.list(threadId ?? "", options)),
  DeleteRun: (client, { runId, ...options }) => client.runs.delete(runId ?? "", options),
  BatchCreateRuns: (client, { requests }) => client.runs.createBatch(requests ?? []),
  CancelRuns: (client, options) => client.runs.cancelMany(options["runIds"] ? options : { status: "all", ...options }),
  CreateThread: (client, options) => client.threads.create(options),
  GetThread: (client, { threadId, ...options }) => client.threads.get(threadId ?? "", options),
  UpdateThread: (client, { threadId, ...options }) => client.threads.update(threadId ?? "", options),
  DeleteThread: (client, { threadId }) => client.threads.delete(threadId ?? ""),
  CopyThread: (client, { threadId, ...options }) => client.threads.copy(threadId ?? "", options),
  SearchThreads: (client, options) => first(client.threads.search(options)),
  CountThreads: (client, options) => client.threads.count(options),
  GetThreadState: (client, { threadId, ...options }) => client.threads.state(threadId ?? "", options),
  UpdateThreadState: (client, { threadId, ...options }) => client.threads.updateState(threadId ?? "", options),
  ListThreadHistory: (client, { threadId, ...options }) => first(client.threads.history(threadId ?? "", options)),
  GetAssistant: (client, { assistantId, ...options }) => client.assistants.get(assistantId ?? "", options),
  SearchAssistants: (client, options) => first(client.assistants.search(options)),
  CountAssistants: (client, options) => client.assistants.count(options),
  CreateAssistant: (client, options) => client.assistants.create(options as never),
  UpdateAssistant: (client, { assistantId, ...options }) => client.assistants.update(assistantId ?? "", options),
  DeleteAssistant: (client, { assistantId, ...options }) => client.assistants.delete(assistantId ?? "", options),
  ListAssistantVersions: (client, { assistantId, ...options }) => first(client.assistants.versions(assistantId ?? "", options)),
  SetLatestAssistantVersion: (client, { assistantId, version }) => client.assistants.setLatest(assistantId ?? "", version ?? 0),
  GetAssistantGraph: (client, { assistantId, ...options }) => client.assistants.graph(assistantId ?? "", options),
  GetAssistantSchemas: (client, { assistantId, ...options }) => client.assistants.schemas(assistantId ?? "", options),
  ListSubgraphs: (client, { assistantId, ...options }) => client.assistants.subgraphs(assistantId ?? "", options),
};

/** A unary method by its name. */
export function methodOf(name: string): DescMethodUnary {
  const methods = [RunService, ThreadService, AssistantService, CronService, StoreService].flatMap((service) => service.methods);
  const found = methods.find((method) => method.name === name);
  if (found?.methodKind !== "unary") {
    throw new Error(`there is no unary method ${name}`);
  }
  return found as DescMethodUnary;
}

/** Makes a call with the client's function for it. A page that is not the first is beyond that function: the generated method gives it. */
export function calledBy(client: GraphwireClient, method: DescMethodUnary, request: Message, options: Options): Promise<unknown> {
  const made = options["pageToken"] === undefined ? FUNCTIONS[method.name] : undefined;
  return made === undefined ? client.call(method, request) : made(client, options);
}

/** Remembers the first answer to a call, as it came. */
export class Tap {
  #answer: Message | undefined;

  readonly interceptor: Interceptor = (options, next) => {
    const call = next(options);
    if (options.method_definition.responseStream) {
      return call as InterceptingCall;
    }
    return new InterceptingCall(call, {
      start: (metadata, _listener, start) =>
        start(metadata, {
          onReceiveMessage: (message: Message | null, pass) => {
            this.#answer ??= message ?? undefined;
            pass(message);
          },
        }),
    });
  };

  /** The answer, which is forgotten. */
  taken(): Message {
    const answer = this.#answer;
    this.#answer = undefined;
    if (answer === undefined) {
      throw new Error("there was no answer");
    }
    return answer;
  }
}

/** Fetches the first page. */
async function first(items: AsyncIterable<unknown>): Promise<void> {
  for await (const _item of items) {
    break;
  }
}
