package io.graphwire;

/** Opens clients. */
public final class Graphwire {
    private Graphwire() {}

    /**
     * A client of a server, over an unencrypted connection and without a key: for a server on this machine. {@link #builder} has all else.
     *
     * <p>Nothing is sent before the first call, which throws {@code UNAVAILABLE} where nobody answers.
     *
     * @param address {@code host:port}, or any other target that gRPC knows, such as {@code dns:///graphwire.internal:50051}
     */
    public static GraphwireClient connect(String address) {
        return builder(address).connect();
    }

    /**
     * How a client is opened.
     *
     * @param address as for {@link #connect}
     */
    public static ClientBuilder builder(String address) {
        return new ClientBuilder(address);
    }
}
