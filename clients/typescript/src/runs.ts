/**
 * Runs that exist: look at them, list them, delete them; and many at once: create them, cancel them.
 *
 * Owns the calls of the run service but those that start, follow or end one run; these stand on the client itself.
 */

import { create } from "@bufbuild/protobuf";
import type { CallOptions, Wire } from "./channel.js";
import { CancelActionSchema, RunStatusSchema } from "./gen/graphwire/v1/run_pb.js";
import { CreateRunRequestSchema, RunService } from "./gen/graphwire/v1/run_service_pb.js";
import { present, readRun, type Run } from "./model.js";
import type { Names, PayloadFormat, RunOptions } from "./options.js";
import { pages } from "./pages.js";
import { fieldsOf, format, integer, names, pick, runFields, text } from "./requests.js";

const { getRun, listRuns, deleteRun, batchCreateRuns, cancelRuns } = RunService.method;

/** The calls of `client.runs`. A run that does not exist is refused with `RUN_NOT_FOUND`. */
export class Runs {
  readonly #wire: Wire;

  constructor(wire: Wire) {
    this.#wire = wire;
  }

  /** A run. `threadId` is its thread; by default whichever it is. */
  async get(runId: string, options: { threadId?: string | undefined; payloadFormat?: PayloadFormat | undefined } = {}, call?: CallOptions): Promise<Run> {
    const fields = fieldsOf(options, { threadId: text, payloadFormat: format });
    return readRun(present((await this.#wire.call(getRun, { runId, ...fields }, call)).run));
  }

  /**
   * The runs of a thread, the newest first, page after page: leave the loop when you have enough.
   *
   * @param options `status`: only runs in this status. `pageSize`: how many each call fetches, 1 to 1000; by default 100.
   */
  list(
    threadId: string,
    options: {
      status?: "pending" | "running" | "success" | "error" | "timeout" | "interrupted" | undefined;
      pageSize?: number | undefined;
      payloadFormat?: PayloadFormat | undefined;
    } = {},
    call?: CallOptions,
  ): AsyncIterableIterator<Run> {
    const fields = fieldsOf(options, { status: pick(RunStatusSchema), pageSize: integer, payloadFormat: format });
    return pages(async (pageToken) => {
      const page = await this.#wire.call(listRuns, { pageSize: 100, ...fields, threadId, pageToken }, call);
      return { items: page.runs.map(readRun), next: page.nextPageToken };
    });
  }

  /** Deletes a run that has ended; one that has not is refused with `RUN_ACTIVE`. Its checkpoints stay with the thread. */
  async delete(runId: string, options: { threadId?: string | undefined } = {}, call?: CallOptions): Promise<void> {
    await this.#wire.call(deleteRun, { runId, ...fieldsOf(options, { threadId: text }) }, call);
  }

  /**
   * Creates several runs, 1 to 1000, and returns at once; they execute in the background. All or none are created.
   *
   * @returns The runs, in the same order.
   */
  async createBatch(runs: readonly RunOptions[], call?: CallOptions): Promise<Run[]> {
    const requests = runs.map((run) => create(CreateRunRequestSchema, runFields(run)));
    return (await this.#wire.call(batchCreateRuns, { requests }, call)).runs.map(readRun);
  }

  /**
   * Cancels all runs in a status, or those of a thread by id. Those that have ended are passed over; with none left, it is refused with `RUN_NOT_FOUND`.
   *
   * @param options `status`: those in this status; `all` means every run of the server that has not ended or, with `threadId`, of the thread. `runIds`: these,
   * at most 100, of the thread `threadId`. `action`: as in `cancel`.
   * @returns The ids of the runs that are being cancelled. `wait` tells when they have ended.
   * @throws TypeError Neither `status` nor `runIds` is given, or both are.
   */
  async cancelMany(
    options: {
      status?: "pending" | "running" | "all" | undefined;
      threadId?: string | undefined;
      runIds?: Names | undefined;
      action?: "interrupt" | "rollback" | undefined;
    },
    call?: CallOptions,
  ): Promise<string[]> {
    const { status, ...others } = options;
    const runIds = names(others.runIds ?? []);
    if ((status === undefined) === (runIds.length === 0)) {
      throw new TypeError('either status or runIds must be given; the status "all" means every run');
    }
    const makers = { status: pick(RunStatusSchema), threadId: text, runIds: names, action: pick(CancelActionSchema) };
    const fields = fieldsOf({ status: status === "all" ? undefined : status, ...others }, makers);
    return (await this.#wire.call(cancelRuns, fields, call)).runIds;
  }
}
