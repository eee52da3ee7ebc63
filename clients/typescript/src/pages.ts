/**
 * Lists that come in pages.
 */

/** A page: its items, and the cursor of the next; empty on the last. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly next: string;
}

/** All items, page after page; a page is fetched when its first item is asked for. */
export async function* pages<T>(fetch: (token: string) => Promise<Page<T>>): AsyncGenerator<T, void, undefined> {
  let token = "";
  do {
    const page = await fetch(token);
    yield* page.items;
    token = page.next;
  } while (token !== "");
}
