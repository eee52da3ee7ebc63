/**
 * Assistants and the graphs that they run.
 *
 * Owns the calls of the assistant service, and the values that they return. An assistant is named by its id, or by the name of its graph.
 */

import type { CallOptions, Wire } from "./channel.js";
import { AssistantSortSchema, type Assistant as AssistantMessage, type GraphSchemas as SchemasMessage } from "./gen/graphwire/v1/assistant_pb.js";
import { AssistantService } from "./gen/graphwire/v1/assistant_service_pb.js";
import type { RunConfig } from "./gen/graphwire/v1/run_pb.js";
import { IfExistsSchema } from "./gen/graphwire/v1/thread_pb.js";
import { fromJson, optionalJson } from "./json.js";
import { moment, present } from "./model.js";
import type { Config, PayloadFormat } from "./options.js";
import { pages } from "./pages.js";
import { config, fieldsOf, flag, format, integer, pick, text } from "./requests.js";

const {
  getAssistant,
  searchAssistants,
  countAssistants,
  createAssistant,
  updateAssistant,
  deleteAssistant,
  listAssistantVersions,
  setLatestAssistantVersion,
  getAssistantGraph,
  getAssistantSchemas,
  listSubgraphs,
} = AssistantService.method;

/** A graph with a configuration and a name. */
export interface Assistant {
  readonly assistantId: string;
  /** The graph's name in langgraph.json. */
  readonly graphId: string;
  /** The assistant's name; the graph's name for the graph's own assistant. */
  readonly name: string;
  /** What it is for; empty where nobody said. */
  readonly description: string;
  /** The configuration that its runs start from. */
  readonly config: Config;
  /** The context that its runs start from; undefined where there is none. */
  readonly context: any;
  readonly metadata: Record<string, any>;
  /** 1, and one more for each update. */
  readonly version: number;
  readonly createTime: Date | undefined;
  /** When this version was made. */
  readonly updateTime: Date | undefined;
}

/** A node of a drawn graph. */
export interface GraphNode {
  readonly id: string;
  /** What a reader should see. */
  readonly name: string;
  readonly metadata: any;
}

/** An edge of a drawn graph, by the ids of its nodes. */
export interface GraphEdge {
  readonly source: string;
  readonly target: string;
  /** The condition's name, where there is one. */
  readonly label: string;
  /** Whether a condition decides if it is taken. */
  readonly conditional: boolean;
}

/** A graph: its nodes, start and end included, its edges, and the same as Mermaid text. */
export interface AssistantGraph {
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
  readonly mermaid: string;
}

/** JSON Schemas of a graph; undefined for one that the graph cannot state. */
export interface GraphSchemas {
  readonly graphId: string;
  readonly inputSchema: any;
  readonly outputSchema: any;
  readonly stateSchema: any;
  readonly configSchema: any;
  readonly contextSchema: any;
}

/** What an assistant is made of. */
export interface AssistantParts {
  /** Its name. Default: `Untitled`. */
  name?: string | undefined;
  /** What it is for. */
  description?: string | undefined;
  /** The configuration that its runs start from. */
  config?: Config | undefined;
  /** The context that its runs start from: an object. */
  context?: unknown;
  /** Its metadata: an object. */
  metadata?: unknown;
}

/** A new assistant. */
export interface NewAssistant extends AssistantParts {
  /** The graph's name in langgraph.json. */
  graphId: string;
  /** Its id: a UUID. Default: the server chooses. */
  assistantId?: string | undefined;
  /** What happens when the id is taken. Default: reject, with ALREADY_EXISTS. */
  ifExists?: "reject" | "keep" | undefined;
}

/** Which assistants. */
export interface AssistantQuery {
  /** Only assistants of this graph. */
  graphId?: string | undefined;
  /** Only assistants whose name contains this, in any case. */
  name?: string | undefined;
  /** Only assistants whose metadata has all these keys with these values: an object. */
  metadata?: unknown;
}

/** Which assistants, in which order. */
export interface AssistantSearch extends AssistantQuery {
  /** Default: name. */
  sortBy?: "name" | "create_time" | "update_time" | "graph_id" | "assistant_id" | undefined;
  /** Whether the largest or newest comes first. Default: false. */
  descending?: boolean | undefined;
  /** How many each call fetches: 1 to 1000. Default: 100. */
  pageSize?: number | undefined;
  /** How JSON travels in the answer. Default: text. */
  payloadFormat?: PayloadFormat | undefined;
}

const QUERY = { graphId: text, name: text, metadata: optionalJson };
const PARTS = { name: text, description: text, config, context: optionalJson, metadata: optionalJson };

/** The calls of `client.assistants`. An assistant that does not exist is refused with `ASSISTANT_NOT_FOUND`. */
export class Assistants {
  readonly #wire: Wire;

  constructor(wire: Wire) {
    this.#wire = wire;
  }

  /** An assistant. */
  async get(assistantId: string, options: { payloadFormat?: PayloadFormat | undefined } = {}, call?: CallOptions): Promise<Assistant> {
    const fields = fieldsOf(options, { payloadFormat: format });
    return readAssistant(present((await this.#wire.call(getAssistant, { assistantId, ...fields }, call)).assistant));
  }

  /** The assistants that match. */
  search(options: AssistantSearch = {}, call?: CallOptions): AsyncIterableIterator<Assistant> {
    const fields = fieldsOf(options, { ...QUERY, sortBy: pick(AssistantSortSchema), descending: flag, pageSize: integer, payloadFormat: format });
    return pages(async (pageToken) => {
      const page = await this.#wire.call(searchAssistants, { pageSize: 100, ...fields, pageToken }, call);
      return { items: page.assistants.map(readAssistant), next: page.nextPageToken };
    });
  }

  /** How many assistants match. */
  async count(options: AssistantQuery = {}, call?: CallOptions): Promise<number> {
    return Number((await this.#wire.call(countAssistants, fieldsOf(options, QUERY), call)).count);
  }

  /** Creates an assistant. */
  async create(options: NewAssistant, call?: CallOptions): Promise<Assistant> {
    const fields = fieldsOf(options, { ...PARTS, graphId: text, assistantId: text, ifExists: pick(IfExistsSchema) });
    return readAssistant(present((await this.#wire.call(createAssistant, fields, call)).assistant));
  }

  /** Makes a new version of an assistant; what is left out stays as it is, and metadata is merged. A graph's own is refused with `SYSTEM_ASSISTANT`. */
  async update(assistantId: string, options: AssistantParts & { graphId?: string | undefined }, call?: CallOptions): Promise<Assistant> {
    const fields = fieldsOf(options, { ...PARTS, graphId: text });
    return readAssistant(present((await this.#wire.call(updateAssistant, { assistantId, ...fields }, call)).assistant));
  }

  /** Deletes an assistant, with `deleteThreads` the threads of its runs as well. A graph's own is refused with `SYSTEM_ASSISTANT`. */
  async delete(assistantId: string, options: { deleteThreads?: boolean | undefined } = {}, call?: CallOptions): Promise<void> {
    await this.#wire.call(deleteAssistant, { assistantId, ...fieldsOf(options, { deleteThreads: flag }) }, call);
  }

  /** The versions of an assistant, the newest first; with `metadata` those that have all these keys with these values. */
  versions(
    assistantId: string,
    options: { metadata?: unknown; pageSize?: number | undefined } = {},
    call?: CallOptions,
  ): AsyncIterableIterator<Assistant> {
    const fields = fieldsOf(options, { metadata: optionalJson, pageSize: integer });
    return pages(async (pageToken) => {
      const page = await this.#wire.call(listAssistantVersions, { pageSize: 100, ...fields, assistantId, pageToken }, call);
      return { items: page.versions.map(readAssistant), next: page.nextPageToken };
    });
  }

  /** Makes a version of an assistant the one that runs. One that it does not have is refused with INVALID_ARGUMENT. */
  async setLatest(assistantId: string, version: number, call?: CallOptions): Promise<Assistant> {
    return readAssistant(present((await this.#wire.call(setLatestAssistantVersion, { assistantId, version }, call)).assistant));
  }

  /** An assistant's graph; `xray` is how many levels of subgraphs are drawn in place of their nodes: 0, the default, to 100. */
  async graph(assistantId: string, options: { xray?: number | undefined } = {}, call?: CallOptions): Promise<AssistantGraph> {
    const { nodes, edges, mermaid } = await this.#wire.call(getAssistantGraph, { assistantId, ...fieldsOf(options, { xray: integer }) }, call);
    return {
      nodes: nodes.map(({ id, name, metadata }) => ({ id, name, metadata: fromJson(metadata) })),
      edges: edges.map(({ source, target, label, conditional }) => ({ source, target, label, conditional })),
      mermaid,
    };
  }

  /** The JSON Schemas of an assistant's graph. */
  async schemas(assistantId: string, options: { payloadFormat?: PayloadFormat | undefined } = {}, call?: CallOptions): Promise<GraphSchemas> {
    const fields = fieldsOf(options, { payloadFormat: format });
    return readSchemas(present((await this.#wire.call(getAssistantSchemas, { assistantId, ...fields }, call)).schemas));
  }

  /**
   * The graphs inside an assistant's graph: their schemas, by namespace (levels joined by `|`).
   *
   * @param options `namespace`: only the subgraph of this namespace. `recurse`: whether subgraphs of subgraphs are listed as well.
   */
  async subgraphs(
    assistantId: string,
    options: { namespace?: string | undefined; recurse?: boolean | undefined; payloadFormat?: PayloadFormat | undefined } = {},
    call?: CallOptions,
  ): Promise<Record<string, GraphSchemas>> {
    const fields = fieldsOf(options, { namespace: text, recurse: flag, payloadFormat: format });
    const { subgraphs } = await this.#wire.call(listSubgraphs, { assistantId, ...fields }, call);
    return Object.fromEntries(subgraphs.map(({ namespace, schemas }) => [namespace, readSchemas(present(schemas))]));
  }
}

function readAssistant(message: AssistantMessage): Assistant {
  return {
    assistantId: message.assistantId,
    graphId: message.graphId,
    name: message.name,
    description: message.description,
    config: readConfig(message.config),
    context: fromJson(message.context),
    metadata: fromJson(message.metadata) ?? {},
    version: message.version,
    createTime: moment(message.createTime),
    updateTime: moment(message.updateTime),
  };
}

function readConfig(message: RunConfig | undefined): Config {
  return {
    tags: message?.tags ?? [],
    recursionLimit: message?.recursionLimit,
    configurable: fromJson(message?.configurable),
    metadata: fromJson(message?.metadata),
    maxConcurrency: message?.maxConcurrency,
    runName: message?.runName,
  };
}

function readSchemas(message: SchemasMessage): GraphSchemas {
  return {
    graphId: message.graphId,
    inputSchema: fromJson(message.inputSchema),
    outputSchema: fromJson(message.outputSchema),
    stateSchema: fromJson(message.stateSchema),
    configSchema: fromJson(message.configSchema),
    contextSchema: fromJson(message.contextSchema),
  };
}
