package io.graphwire;

import io.graphwire.v1.StreamEvent;
import io.grpc.MethodDescriptor;
import java.util.List;
import java.util.function.Function;

/**
 * A call that streams events.
 *
 * @param method the method
 * @param request its request
 * @param events the events of an answer
 */
record Ask<Q, A>(MethodDescriptor<Q, A> method, Q request, Function<A, List<StreamEvent>> events) {}
