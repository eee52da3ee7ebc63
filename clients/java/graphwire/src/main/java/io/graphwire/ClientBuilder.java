package io.graphwire;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.grpc.ChannelCredentials;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.Metadata;
import io.grpc.TlsChannelCredentials;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** How a client is opened. Each method returns the builder; {@link #connect} opens the client. */
public final class ClientBuilder {
    private static final String SERVICE_CONFIG = "service_config.json";
    private static final Metadata.Key<String> API_KEY = key("x-api-key");

    private final String address;
    private final Metadata headers = new Metadata();
    private boolean tls;
    private Path rootCertificates;
    private Path certificateChain;
    private Path privateKey;
    private Duration patience = Duration.ofSeconds(60);
    private boolean keepEvents = true;
    private Duration keepaliveTime = Duration.ofSeconds(30);
    private Duration keepaliveTimeout = Duration.ofSeconds(10);
    private Executor executor;
    private Consumer<ManagedChannelBuilder<?>> custom = channel -> {};

    ClientBuilder(String address) {
        this.address = Objects.requireNonNull(address, "address");
    }

    private static Metadata.Key<String> key(String name) {
        return Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER);
    }

    /** Encrypts the connection, and trusts the public root certificates of the Java runtime. Default: unencrypted, for a server on this machine. */
    public ClientBuilder tls() {
        tls = true;
        return this;
    }

    /** Encrypts the connection, and trusts these root certificates instead of the public ones: a file in PEM. */
    public ClientBuilder rootCertificates(Path pem) {
        tls = true;
        rootCertificates = Objects.requireNonNull(pem, "pem");
        return this;
    }

    /** Encrypts the connection, and shows a certificate where the server asks for one. Both are files in PEM; the key is in PKCS #8, without a password. */
    public ClientBuilder clientCertificate(Path chain, Path key) {
        tls = true;
        certificateChain = Objects.requireNonNull(chain, "chain");
        privateKey = Objects.requireNonNull(key, "key");
        return this;
    }

    /** The key that goes with every call, as {@code x-api-key}. Without TLS it crosses the network readable. */
    public ClientBuilder apiKey(String value) {
        headers.discardAll(API_KEY);
        headers.put(API_KEY, value);
        return this;
    }

    /** Something else that goes with every call: a name in lower case, and a value in ASCII. */
    public ClientBuilder metadata(String name, String value) {
        headers.put(key(name), value);
        return this;
    }

    /**
     * How long a stream may try to go on without progress before it throws the last error: an event is progress, and a call that lasted longer than 5 s.
     * Default: 60 s. Zero means not to go on at all. Until the server has answered a stream for the first time it is at most 2 s.
     */
    public ClientBuilder patience(Duration value) {
        if (value.isNegative()) {
            throw new IllegalArgumentException("patience: " + value + " is less than nothing");
        }
        patience = value;
        return this;
    }

    /**
     * Whether {@code stream} and {@code publish} ask the server to keep a run's events ({@code stream_resumable}), so that streams outlive its restarts
     * without a gap. Default: true. Without it they come back for as long as the server holds the events in memory; a request that asks for it gets it all
     * the same.
     */
    public ClientBuilder keepEvents(boolean value) {
        keepEvents = value;
        return this;
    }

    /**
     * How long a connection may be silent while calls are open before it is pinged, and how long the answer may take before it is given up. Default: 30 s
     * and 10 s. gRPC pings at most every 10 s; a server may refuse more than it allows.
     */
    public ClientBuilder keepalive(Duration time, Duration timeout) {
        keepaliveTime = time;
        keepaliveTimeout = timeout;
        return this;
    }

    /** Where subscribers of publishers are told of events. It is not shut down with the client. Default: threads of the client, as many as are busy at once. */
    public ClientBuilder executor(Executor value) {
        executor = value;
        return this;
    }

    /** Changes the channel in what this builder has no name for. It is called last, and wins. */
    public ClientBuilder channel(Consumer<ManagedChannelBuilder<?>> change) {
        custom = Objects.requireNonNull(change, "change");
        return this;
    }

    /**
     * Opens the client. Nothing is sent before its first call.
     *
     * @throws UncheckedIOException a certificate cannot be read
     * @throws IllegalArgumentException the address cannot be understood, or a certificate is none
     */
    public GraphwireClient connect() {
        ManagedChannelBuilder<?> builder = channel()
                .userAgent("graphwire-java")
                // A state may be larger than gRPC's 4 MiB: the server splits events, but answers of unary calls come whole.
                .maxInboundMessageSize(Integer.MAX_VALUE)
                // A stream may be silent while a model thinks. Pings find a dead connection; without calls there is nothing to keep.
                .keepAliveTime(keepaliveTime.toNanos(), TimeUnit.NANOSECONDS)
                .keepAliveTimeout(keepaliveTimeout.toNanos(), TimeUnit.NANOSECONDS)
                .keepAliveWithoutCalls(false)
                .defaultServiceConfig(serviceConfig());
        ExecutorService own = Pool.open();
        Executor pool = executor == null ? own : executor;
        builder.executor(pool);
        custom.accept(builder);
        return new GraphwireClient(line(builder.build(), pool, own), keepEvents, null);
    }

    private ManagedChannelBuilder<?> channel() {
        ChannelCredentials credentials = credentials();
        try {
            return Grpc.newChannelBuilder(address, credentials);
        } catch (RuntimeException refused) { // by all transports that there are, each for a reason of its own
            throw new IllegalArgumentException("no channel can be made to " + address + ": " + refused.getMessage(), refused);
        }
    }

    private Line line(ManagedChannel channel, Executor pool, ExecutorService own) {
        SystemClock clock = new SystemClock();
        new Reconnecting(channel, clock, new Backoff(clock, ClientBuilder::random)).watch();
        Metadata given = new Metadata(); // a copy: the builder may go on to another client
        given.merge(headers);
        return new Line(channel, given, pool, clock, ClientBuilder::random, patience, () -> {
            clock.close();
            own.shutdown();
        });
    }

    private static double random() {
        return ThreadLocalRandom.current().nextDouble();
    }

    private ChannelCredentials credentials() {
        if (!tls) {
            return InsecureChannelCredentials.create();
        }
        TlsChannelCredentials.Builder builder = TlsChannelCredentials.newBuilder();
        try {
            if (rootCertificates != null) {
                builder.trustManager(rootCertificates.toFile());
            }
            if (certificateChain != null) {
                File chain = certificateChain.toFile();
                builder.keyManager(chain, privateKey.toFile());
            }
        } catch (IOException unreadable) {
            throw new UncheckedIOException(unreadable);
        }
        return builder.build();
    }

    /** What the channel repeats and how it chooses among servers, unless the address brings its own. */
    @SuppressWarnings("unchecked") // our own file, which is an object
    private static Map<String, ?> serviceConfig() {
        try (InputStream text = ClientBuilder.class.getResourceAsStream(SERVICE_CONFIG)) {
            return (Map<String, ?>) asGrpcWants(new ObjectMapper().readValue(text, Map.class));
        } catch (IOException impossible) {
            throw new UncheckedIOException(impossible);
        }
    }

    /** The same, with all numbers as doubles: gRPC takes no others. */
    private static Object asGrpcWants(Object value) {
        if (value instanceof Map<?, ?> object) {
            Map<Object, Object> made = new LinkedHashMap<>();
            object.forEach((name, item) -> made.put(name, asGrpcWants(item)));
            return made;
        }
        if (value instanceof List<?> items) {
            return items.stream().map(ClientBuilder::asGrpcWants).toList();
        }
        return value instanceof Number number ? (Object) number.doubleValue() : value;
    }
}
