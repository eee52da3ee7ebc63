/**
 * The client of graphwire, which serves LangGraph graphs: create runs, follow them event by event, answer their questions, end them.
 *
 * <p>{@link io.graphwire.Graphwire} opens it. Requests and answers are the generated messages of {@code io.graphwire.v1}; what this package adds to
 * them is streams that survive a lost connection, one type of error, and JSON as Java values.
 */
package io.graphwire;
