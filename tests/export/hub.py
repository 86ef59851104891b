"""A stand-in for the Hugging Face Hub on loopback, as far as ``huggingface_hub`` uses it here."""

import base64
import contextlib
import hashlib
import http.server
import json
import re
import threading


@contextlib.contextmanager
def running():
    """Yields (its address, {repository: {file: content}})."""
    held = {}

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def answer(self, content, status=200, **headers):
            content = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        def do_POST(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if self.path == "/api/repos/create":
                asked = json.loads(body)
                name = (
                    asked["name"]
                    if not asked.get("organization")
                    else f"{asked['organization']}/{asked['name']}"
                )
                held.setdefault(name, {})
                self.answer({"url": f"http://{self.headers['Host']}/{name}", "id": name})
            elif self.path == "/api/validate-yaml":
                self.answer({"errors": [], "warnings": []})
            elif match := re.match(r"/api/models/([^/]+/[^/]+)/preupload/", self.path):
                names = [each["path"] for each in json.loads(body)["files"]]
                regular = {"uploadMode": "regular", "shouldIgnore": False}
                files = [{"path": name, **regular} for name in names]
                self.answer({"files": files})
            elif match := re.match(r"/api/models/([^/]+/[^/]+)/commit/", self.path):
                for line in map(json.loads, body.splitlines()):
                    if line["key"] == "file":
                        held[match[1]][line["value"]["path"]] = base64.b64decode(line["value"]["content"])
                sha = commit(held[match[1]])
                url = f"http://{self.headers['Host']}/{match[1]}/commit/{sha}"
                self.answer({"success": True, "commitOid": sha, "commitUrl": url})
            else:
                self.answer({"error": "not here"}, 404)

        def do_GET(self):
            path = self.path.partition("?")[0]
            if match := re.fullmatch(r"/api/models/([^/]+/[^/]+)(/revision/[^/]+)?", path):
                if match[1] not in held:
                    self.answer({"error": "Repository not found"}, 401, X_Error_Code="RepoNotFound")
                    return
                files, sha = held[match[1]], commit(held[match[1]])
                if (match[2] or "").removeprefix("/revision/") not in ("", "main", sha):
                    self.answer({"error": "no revision"}, 404, X_Error_Code="RevisionNotFound")
                    return
                siblings = [{"rfilename": name} for name in files]
                self.answer(
                    {"id": match[1], "modelId": match[1], "sha": sha, "siblings": siblings, "tags": []}
                )
            elif match := re.match(r"/api/models/([^/]+/[^/]+)/tree/", path):
                files = held[match[1]]
                self.answer(
                    [
                        {"type": "file", "path": name, "size": len(x), "oid": _sum(x)}
                        for name, x in files.items()
                    ]
                )
            elif match := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
                content = held[match[1]].get(match[3])
                if content is None:
                    self.answer(b"", 404, X_Error_Code="EntryNotFound")
                    return
                self.answer(content, ETag=f'"{_sum(content)}"', X_Repo_Commit=match[2])
            else:
                self.answer({"error": "not here"}, 404)

        def do_HEAD(self):
            self.do_GET()

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", held
    finally:
        server.shutdown()
        server.server_close()


def commit(files):
    """The name of a commit with these files."""
    return _sum(repr(sorted((name, _sum(x)) for name, x in files.items())).encode())


def _sum(content):
    return hashlib.sha1(content).hexdigest()
