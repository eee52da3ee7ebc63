"""Tokens, an answer to an interrupt, and a run of somebody else: what a program does with graphwire most.

    graphwire serve --config examples/langgraph.json      # in another terminal
    python clients/python/examples/story.py [ADDRESS]

The address is the argument, else GRAPHWIRE_ADDRESS, else localhost:50051. Pull the plug in the middle: a stream goes on when the server is back.
"""

import asyncio
import os
import sys

import graphwire


async def tell(client: graphwire.Client, about: str) -> None:
    """Streams a story word by word, and gathers it."""
    messages = graphwire.Messages()
    given = {"messages": [{"role": "user", "content": about}]}
    async for event in client.stream("tokens", given, stream_mode="messages-tuple"):
        messages.add(event)
        print(event.text, end="", flush=True)
    for message in messages:
        told = message.usage.output_tokens if message.usage else 0
        print(f"\n[{told} words, finish_reason {message.finish_reason}]")


async def pay(client: graphwire.Client, amount: int, to: str) -> None:
    """Runs into a question, and answers it."""
    thread = await client.threads.create()
    asked = await client.invoke("approval", {"to": to, "amount": amount}, thread_id=thread.thread_id)
    print(asked.interrupts[0].value["question"], "Yes.")
    answer = graphwire.Command(resume={"approved": True})
    async for event in client.stream("approval", command=answer, thread_id=thread.thread_id, stream_mode="updates"):
        if event.node == "pay":
            print(event.data["result"])


async def work(client: graphwire.Client, records: int) -> str:
    """Starts a run in the background, as another program would, and returns its id."""
    return (await client.create("progress", {"records": records}, stream_mode="custom", stream_resumable=True)).run_id


async def watch(client: graphwire.Client, run_id: str) -> None:
    """Joins a run that somebody else has started, from its start."""
    async for event in client.join(run_id, after_seq=0):
        match event:
            case graphwire.Event(mode="custom", data=data):
                print(f"fetched {data['fetched']} of {data['of']}")
            case graphwire.Event(mode="end", status=status):
                print(f"ended with {status}")


async def main(address: str) -> None:
    """Does all three, one after another."""
    async with graphwire.connect(address) as client, graphwire.connect(address) as somebody:
        await tell(client, "a lighthouse")
        await pay(client, 10, "Ada")
        await watch(client, await work(somebody, 5))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("GRAPHWIRE_ADDRESS", "localhost:50051")))
