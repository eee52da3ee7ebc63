package io.graphwire;

import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.function.Function;

/** A list that is fetched page after page, as far as it is read. Each iteration starts anew. */
final class Pages<A, T> implements Iterable<T> {
    private final Function<String, A> fetch;
    private final Function<A, List<T>> items;
    private final Function<A, String> token;

    /**
     * @param fetch a page, by its token; the first is the empty one
     * @param items what is on a page
     * @param token the token of the page that follows; empty on the last
     */
    Pages(Function<String, A> fetch, Function<A, List<T>> items, Function<A, String> token) {
        this.fetch = fetch;
        this.items = items;
        this.token = token;
    }

    @Override
    public Iterator<T> iterator() {
        return new Turning();
    }

    private final class Turning implements Iterator<T> {
        private Iterator<T> page = List.<T>of().iterator();
        private String next = "";

        @Override
        public boolean hasNext() {
            while (!page.hasNext() && next != null) {
                A fetched = fetch.apply(next);
                page = items.apply(fetched).iterator();
                next = token.apply(fetched).isEmpty() ? null : token.apply(fetched);
            }
            return page.hasNext();
        }

        @Override
        public T next() {
            if (!hasNext()) {
                throw new NoSuchElementException();
            }
            return page.next();
        }
    }
}
