// What users of the store do: every call of `client.store`.
import { connect, failure, say } from "./sdk.mjs";

const { store } = connect();
const user = ["js", crypto.randomUUID()];

await store.putItem(user, "a", { n: 1 });
await store.putItem(user, "b", { n: 2 }, { index: false, ttl: 5 });
await store.putItem([...user, "deep"], "c", { n: 3 }, { index: ["text"], ttl: null });
say("item", await store.getItem(user, "a"));
say("timed", await store.getItem(user, "b", { refreshTtl: true }));
say("found", await store.searchItems(user, { filter: { n: { $gt: 1 } }, limit: 1, offset: 1, query: "x" }));
say("names", await store.listNamespaces({ prefix: user, suffix: ["deep"], maxDepth: 3, limit: 5, offset: 0 }));
await store.deleteItem(user, "a");
say("gone", await store.getItem(user, "a"));
say("wrong", await failure(() => store.searchItems(user, { filter: { n: { $near: 1 } } })));
