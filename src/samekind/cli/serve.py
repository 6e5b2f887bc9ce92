"""``samekind serve``: the HTTP API and the web page."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from samekind.cli.console.options import AmongOption, ModelOption, ProviderOption, ThreadsOption


def serve(
    model: ModelOption = None,
    gallery: Annotated[
        str | None,
        typer.Option(
            help="A gallery to search, made with `samekind index`: a file, or postgresql://HOST/DATABASE.",
            show_default=False,
        ),
    ] = None,
    among: AmongOption = None,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 picks a free one.")] = 8000,
    api_key_file: Annotated[
        Path | None,
        typer.Option(help="A file with a key of at least 16 characters that every client must send."),
    ] = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Listen beyond this machine without a key: anybody there can ask.")
    ] = False,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(help="A host name by which clients may call the service, if a proxy passes on another; repeat."),
    ] = None,
    frame_ancestor: Annotated[
        list[str] | None,
        typer.Option(help="An origin that may show the page in a frame, such as https://huggingface.co; repeat."),
    ] = None,
    page: Annotated[bool, typer.Option("--page/--no-page", help="Serve the web page too, or the API alone.")] = True,
    max_megabytes: Annotated[float, typer.Option(min=0.01, help="The largest file that is taken.")] = 20,
    max_megapixels: Annotated[float, typer.Option(min=0.01, help="The largest image that is decoded.")] = 50,
    max_waiting: Annotated[
        int, typer.Option(min=32, help="Images that may wait for the network; beyond them the answer is 503.")
    ] = 256,
    keep_alive: Annotated[
        int, typer.Option(min=1, help="Seconds for which an idle connection stays open; more than the balancer's own.")
    ] = 64,
    root_path: Annotated[
        str, typer.Option(help="The path below which a proxy shows the service, such as /samekind.", show_default=False)
    ] = "",
    open_browser: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
    threads: ThreadsOption = None,
    access_log: Annotated[bool, typer.Option("--access-log", help="Write a line for each request.")] = False,
    provider: ProviderOption = None,
) -> None:
    """Serve verdicts over HTTP, and a web page to try them on.

    The page is at /, the API under /api/v1, its documentation at /docs, numbers for Prometheus at /metrics. Images are
    taken as uploads only, judged in memory and forgotten: nothing is written to disk, nothing is sent anywhere. SIGTERM
    or Ctrl-C finishes what was accepted.

    Examples:
      samekind serve

      samekind serve --open

      samekind serve --gallery photos.samekind

      samekind serve --among my-photos

      samekind serve --host 0.0.0.0 --api-key-file key.txt

      curl -F first=@a.jpg -F second=@b.jpg http://127.0.0.1:8000/api/v1/verify
    """
    from samekind.cli.console.extras import require

    require("serve", "fastapi", "uvicorn", "python_multipart", "prometheus_client", "fastapi_offline")
    if page:
        require("serve", "gradio")
    if gallery is not None:
        require("gallery", "faiss")
    from samekind.cli.judging.context import load_among
    from samekind.server.app import create_app
    from samekind.server.http.access import open_access
    from samekind.server.limits import Limits
    from samekind.server.runner import run

    if gallery is not None and among is not None:
        raise typer.BadParameter("give --gallery or --among: a gallery's own pictures are the context already")
    access = open_access(
        host, key_file=api_key_file, insecure=insecure, hosts=allow_host or (), frame_ancestors=frame_ancestor or ()
    )
    limits = Limits.for_images(
        image_bytes=int(max_megabytes * 1e6),
        pixels=int(max_megapixels * 1e6),
        waiting_images=max_waiting,
        idle_seconds=keep_alive,
    )
    on_cpu = not provider or provider[0].lower() in {"cpu", "cpuexecutionprovider"}
    # On a CPU, workers of one thread each are faster than one run of as many threads; a GPU is fed by one worker.
    session_threads = 1 if on_cpu else threads
    with ExitStack() as stack:
        opened = None
        if gallery is not None:
            from samekind.gallery import Gallery

            opened = stack.enter_context(Gallery.open(gallery, model=model, read_only=True))
        chosen = opened.model if model is None and opened is not None else model
        recognizer = load_among(chosen, among, providers=provider, threads=session_threads)
        app = create_app(
            recognizer,
            limits=limits,
            access=access,
            gallery=opened,
            page=page,
            workers=threads if on_cpu else 1,
            decoders=threads,
            root_path=root_path,
        )
        run(
            app,
            host=host,
            port=port,
            limits=limits,
            access_log=access_log,
            on_listening=_open if open_browser else lambda _: None,
        )


def _open(address: str) -> None:
    import threading
    import webbrowser

    # In a thread, because a browser that runs in the terminal returns when it is left.
    threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
