package io.graphwire;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.graphwire.v1.CreateRunRequest;
import io.graphwire.v1.CreateRunResponse;
import io.graphwire.v1.GetRunRequest;
import io.graphwire.v1.GetRunResponse;
import io.graphwire.v1.Run;
import io.graphwire.v1.RunServiceGrpc;
import io.graphwire.v1.SearchThreadsRequest;
import io.graphwire.v1.SearchThreadsResponse;
import io.graphwire.v1.Thread;
import io.graphwire.v1.ThreadServiceGrpc;
import io.graphwire.v1.WaitRunRequest;
import io.graphwire.v1.WaitRunResponse;
import io.grpc.Grpc;
import io.grpc.InsecureServerCredentials;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The client as it is opened, over a real connection on loopback. */
@Timeout(90)
class GraphwireClientTest {
    private final BlockingQueue<Metadata> headers = new LinkedBlockingQueue<>();
    private final AtomicInteger calls = new AtomicInteger();
    private Server server;

    @BeforeEach
    void open() throws IOException {
        server = Grpc.newServerBuilderForPort(0, InsecureServerCredentials.create())
                .addService(new Runs())
                .addService(new Pages())
                .intercept(new ServerInterceptor() {
                    @Override
                    public <Q, A> ServerCall.Listener<Q> interceptCall(ServerCall<Q, A> call, Metadata given, ServerCallHandler<Q, A> next) {
                        headers.add(given);
                        return next.startCall(call, given);
                    }
                })
                .build()
                .start();
    }

    @AfterEach
    void close() {
        server.shutdownNow();
    }

    private String address() {
        return "127.0.0.1:" + server.getPort();
    }

    private static String text(Metadata metadata, String name) {
        return metadata.get(Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER));
    }

    @Test
    void repeatsReadsAndNothingElse() {
        try (GraphwireClient client = Graphwire.connect(address())) {
            assertEquals("found", client.runs().get("run").getRunId());
            assertEquals(3, calls.getAndSet(0));
            GraphwireException error = assertThrows(GraphwireException.class, () -> client.create(CreateRunRequest.getDefaultInstance()));
            assertEquals(Status.Code.UNAVAILABLE, error.code());
            assertEquals(1, calls.get());
        }
    }

    @Test
    void sendsItsKeyWithEveryCall() throws InterruptedException {
        ClientBuilder builder = Graphwire.builder(address()).apiKey("first").apiKey("secret").metadata("x-team", "blue");
        try (GraphwireClient client = builder.connect()) {
            builder.apiKey("somebody else's");
            client.runs().get("run");
            RunServiceGrpc.newBlockingStub(client.channel()).getRun(GetRunRequest.getDefaultInstance());
        }
        for (Metadata one : List.of(headers.take(), headers.take())) {
            assertEquals("secret", text(one, "x-api-key"));
            assertEquals("blue", text(one, "x-team"));
        }
    }

    @Test
    void fetchesPagesAsTheyAreRead() {
        try (GraphwireClient client = Graphwire.connect(address())) {
            Iterable<Thread> found = client.threads().search(SearchThreadsRequest.newBuilder().setPageSize(2).build());
            assertEquals("0", found.iterator().next().getThreadId());
            assertEquals(1, calls.getAndSet(0));
            List<String> ids = new ArrayList<>();
            found.forEach(thread -> ids.add(thread.getThreadId()));
            assertEquals(List.of("0", "1", "2", "3"), ids);
            assertEquals(3, calls.get());
        }
    }

    @Test
    void boundsACall() {
        try (GraphwireClient client = Graphwire.builder(address()).connect()) {
            GraphwireException error = assertThrows(GraphwireException.class, () -> client.withTimeout(Duration.ofMillis(200)).waitFor("run"));
            assertEquals(Status.Code.DEADLINE_EXCEEDED, error.code());
        }
    }

    @Test
    void tellsThatItWasClosed() {
        GraphwireClient client = Graphwire.connect(address());
        client.close();
        assertEquals("the client was closed", assertThrows(GraphwireException.class, () -> client.runs().get("run")).getMessage());
    }

    @Test
    void refusesWhatCannotBeMeant() {
        assertThrows(IllegalArgumentException.class, () -> Graphwire.builder("x").patience(Duration.ofSeconds(-1)));
        try (GraphwireClient client = Graphwire.connect(address())) {
            assertThrows(IllegalArgumentException.class, () -> client.withTimeout(Duration.ZERO));
        }
    }

    @Test
    void refusesWhatIsNoCertificate(@TempDir Path folder) throws IOException {
        Path none = Files.writeString(folder.resolve("none.pem"), "no certificate");
        assertThrows(IllegalArgumentException.class, () -> Graphwire.builder(address()).rootCertificates(none).connect());
        assertThrows(UncheckedIOException.class, () -> Graphwire.builder(address()).rootCertificates(folder.resolve("absent.pem")).connect());
    }

    private final class Runs extends RunServiceGrpc.RunServiceImplBase {
        @Override
        public void getRun(GetRunRequest request, StreamObserver<GetRunResponse> observer) {
            if (calls.incrementAndGet() % 3 != 0) {
                observer.onError(Status.UNAVAILABLE.asRuntimeException());
                return;
            }
            observer.onNext(GetRunResponse.newBuilder().setRun(Run.newBuilder().setRunId("found")).build());
            observer.onCompleted();
        }

        @Override
        public void createRun(CreateRunRequest request, StreamObserver<CreateRunResponse> observer) {
            calls.incrementAndGet();
            observer.onError(Status.UNAVAILABLE.asRuntimeException());
        }

        @Override
        public void waitRun(WaitRunRequest request, StreamObserver<WaitRunResponse> observer) {}
    }

    private final class Pages extends ThreadServiceGrpc.ThreadServiceImplBase {
        @Override
        public void searchThreads(SearchThreadsRequest request, StreamObserver<SearchThreadsResponse> observer) {
            calls.incrementAndGet();
            int first = request.getPageToken().isEmpty() ? 0 : Integer.parseInt(request.getPageToken());
            SearchThreadsResponse.Builder page = SearchThreadsResponse.newBuilder();
            for (int item = first; item < Math.min(4, first + request.getPageSize()); item++) {
                page.addThreads(Thread.newBuilder().setThreadId(Integer.toString(item)));
            }
            observer.onNext(page.setNextPageToken(first < 4 ? Integer.toString(first + request.getPageSize()) : "").build());
            observer.onCompleted();
        }
    }
}
