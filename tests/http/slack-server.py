#!/usr/bin/python3
"""A Slack-compatible server on a free loopback port, for tests and for trying the program without a Slack workspace.

    tests/http/slack-server.py [--port N] [--port-file F] [--log F] [--token T] [--channel NAME[=ID[=FLAG]]]… [--fail MODE]

Without --port the port is a free one; it is written to --port-file once the server listens. --log gets one JSON object a line for each request: time,
method, path, arguments, status, answer; never a token. Channels are known by "#name" and ID; FLAG is "outside" (the app
is no member) or "archived". It is strict where Slack is strict: bearer token, content type, JSON, argument types, known
channels, lengths.

MODE says what befalls requests to chat.postMessage, or to another method ("MODE@chat.delete"), each for the next N or all
of them (":N"):
  ERROR          {"ok": false, "error": ERROR}, for example channel_not_found or ratelimited
  429            HTTP 429 with Retry-After: 1
  500            HTTP 500
  html           HTTP 200 with a page that is no JSON
  redirect       HTTP 302 to another place
  drop           reads the request, closes the connection, keeps no message
  drop-after     reads the request, keeps the message, closes the connection
  hang           reads the request, keeps the message, never answers
  delay=SECONDS  answers late
Several are separated by commas. POST /_fail with a MODE as its body changes it, GET /_messages lists what was kept.

It ends by itself when its parent process does, or after --idle seconds without a request.
"""
import argparse
import json
import os
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

TEXT_MOST = 40000
BODY_MOST = 1024 * 1024


class Refused(Exception):
    """An {"ok": false} answer."""


class Slack:
    """What a workspace keeps: channels and their messages."""

    def __init__(self, token, channels, fail):
        self.token = token
        self.channels = {}
        self.messages = []
        self.fails = []
        self.lock = threading.Lock()
        self.last_ts = 0
        for spec in channels:
            name, _, rest = spec.partition("=")
            ident, _, flag = rest.partition("=")
            ident = ident or "C%08d" % (len(self.channels) + 1)
            self.channels[ident] = {"id": ident, "name": name.lstrip("#"), "flag": flag}
        self.set_fail(fail)

    def set_fail(self, modes):
        fails = []
        for mode in filter(None, (modes or "").split(",")):
            name, _, count = mode.strip().partition(":")
            name, _, method = name.partition("@")
            fails.append([name, int(count) if count else -1, method or "chat.postMessage"])
        self.fails = fails

    def take_fail(self, method):
        with self.lock:
            for fail in self.fails:
                if fail[1] != 0 and fail[2] == method:
                    fail[1] -= 1 if fail[1] > 0 else 0
                    return fail[0]
        return None

    def channel(self, name):
        for channel in self.channels.values():
            if name in (channel["id"], "#" + channel["name"], channel["name"]):
                return channel
        raise Refused("channel_not_found")

    def postable(self, name):
        channel = self.channel(name)
        if channel["flag"] == "archived":
            raise Refused("is_archived")
        if channel["flag"] == "outside":
            raise Refused("not_in_channel")
        return channel

    def next_ts(self):
        self.last_ts = max(self.last_ts + 1, int(time.time() * 1000000))
        return "%d.%06d" % divmod(self.last_ts, 1000000)

    def find(self, args):
        channel = self.channel(need(args, "channel"))
        ts = need(args, "ts")
        for message in self.messages:
            if message["channel"] == channel["id"] and message["ts"] == ts:
                return message
        raise Refused("message_not_found")

    def auth_test(self, args):
        return {"url": "https://test.slack.com/", "team": "Test", "user": "control-tower", "team_id": "T00000001",
                "user_id": "U00000001", "bot_id": "B00000001"}

    def post_message(self, args):
        channel = self.postable(need(args, "channel"))
        text = check_text(need(args, "text"))
        thread = optional(args, "thread_ts")
        metadata = args.get("metadata")
        if thread and not any(m["ts"] == thread and m["channel"] == channel["id"] for m in self.messages):
            raise Refused("thread_not_found")
        if metadata is not None and not (isinstance(metadata, dict) and isinstance(metadata.get("event_type"), str)
                                         and isinstance(metadata.get("event_payload"), dict)):
            raise Refused("invalid_metadata_format")
        for flag in ("mrkdwn", "link_names", "unfurl_links", "unfurl_media"):
            if not isinstance(args.get(flag, False), bool):
                raise Refused("invalid_arguments")
        message = {"type": "message", "channel": channel["id"], "ts": self.next_ts(), "text": text,
                   "user": "U00000001", "bot_id": "B00000001"}
        if thread:
            message["thread_ts"] = thread
        if metadata:
            message["metadata"] = metadata
        self.messages.append(message)
        return {"channel": channel["id"], "ts": message["ts"], "message": without_channel(message)}

    def update(self, args):
        message = self.find(args)
        message["text"] = check_text(need(args, "text"))
        return {"channel": message["channel"], "ts": message["ts"], "text": message["text"]}

    def delete(self, args):
        message = self.find(args)
        self.messages.remove(message)
        return {"channel": message["channel"], "ts": message["ts"]}

    def listing(self, args, member, found):
        """One page of a list; the cursor is the index to go on from."""
        limit = int(args.get("limit", 100))
        start = int(args.get("cursor") or 0)
        more = len(found) > start + limit
        return {member: found[start:start + limit], "has_more": more,
                "response_metadata": {"next_cursor": str(start + limit) if more else ""}}

    def channel_list(self, args):
        kept = [{"id": c["id"], "name": c["name"], "is_channel": True, "is_archived": c["flag"] == "archived",
                 "is_member": c["flag"] != "outside"} for c in self.channels.values()
                if not (c["flag"] == "archived" and args.get("exclude_archived") == "true")]
        return self.listing(args, "channels", kept)

    def visible(self, args, wanted):
        channel = self.channel(need(args, "channel"))
        if channel["id"] != args["channel"]:
            raise Refused("channel_not_found")
        if channel["flag"] == "outside":
            raise Refused("not_in_channel")
        oldest = float(args.get("oldest", 0))
        show = args.get("include_all_metadata") == "true"
        found = [without_channel(m) for m in reversed(self.messages)
                 if m["channel"] == channel["id"] and float(m["ts"]) > oldest and wanted(m)]
        for message in found:
            if not show:
                message.pop("metadata", None)
        return self.listing(args, "messages", found)

    def history(self, args):
        return self.visible(args, lambda m: "thread_ts" not in m)

    def replies(self, args):
        ts = need(args, "ts")
        return self.visible(args, lambda m: ts in (m["ts"], m.get("thread_ts")))


# method → (HTTP methods, function, changes something)
METHODS = {
    "auth.test": (("POST", "GET"), Slack.auth_test),
    "chat.postMessage": (("POST",), Slack.post_message),
    "chat.update": (("POST",), Slack.update),
    "chat.delete": (("POST",), Slack.delete),
    "conversations.list": (("GET", "POST"), Slack.channel_list),
    "conversations.history": (("GET", "POST"), Slack.history),
    "conversations.replies": (("GET", "POST"), Slack.replies),
}


def need(args, name):
    value = args.get(name)
    if value is None:
        raise Refused("no_text" if name == "text" else "invalid_arguments")
    if not isinstance(value, str):
        raise Refused("invalid_arguments")
    return value


def optional(args, name):
    return need(args, name) if name in args else None


def check_text(text):
    if not text.strip():
        raise Refused("no_text")
    if len(text) > TEXT_MOST:
        raise Refused("msg_too_long")
    return text


def without_channel(message):
    return {name: value for name, value in message.items() if name != "channel"}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "slack-server"

    def log_message(self, *args):
        pass

    def do_GET(self):
        self.handle_request(b"")

    def do_POST(self):
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > BODY_MOST:
            self.answer(411, {"ok": False, "error": "request_timeout"})
            return
        self.handle_request(self.rfile.read(int(length)))

    def handle_request(self, body):
        self.server.last = time.monotonic()
        url = urlsplit(self.path)
        if url.path.startswith("/_"):
            self.control(url.path, body)
            return
        self.args = {}
        name = url.path[len("/api/"):] if url.path.startswith("/api/") else ""
        fail = self.server.slack.take_fail(name)
        if fail and self.fail_early(fail):
            return
        if name not in METHODS or self.command not in METHODS[name][0]:
            self.answer(404 if name not in METHODS else 405, {"ok": False, "error": "unknown_method"})
            return
        try:
            self.read_args(url, body)
            with self.server.slack.lock:
                answer = dict(METHODS[name][1](self.server.slack, self.args), ok=True)
        except Refused as refused:
            answer = {"ok": False, "error": str(refused)}
        if fail in ("drop-after", "hang"):
            self.record(0, answer)
            if fail == "hang":
                time.sleep(3600)
            self.hang_up()
            return
        self.answer(200, answer)

    def fail_early(self, fail):
        """What happens instead of an answer, before anything is kept; FALSE where the request goes on."""
        if fail.startswith("delay="):
            time.sleep(float(fail[len("delay="):]))
            return False
        if fail in ("drop-after", "hang"):
            return False
        if fail == "drop":
            self.record(0, None)
            self.hang_up()
        elif fail == "429":
            self.answer(429, {"ok": False, "error": "ratelimited"}, {"Retry-After": "1"})
        elif fail == "500":
            self.answer(500, {"ok": False, "error": "internal_error"})
        elif fail == "redirect":
            self.answer(302, {}, {"Location": "http://127.0.0.1:9/elsewhere"})
        elif fail == "html":
            self.answer(200, "<html><body>Sign in to the guest network</body></html>")
        else:
            self.answer(200, {"ok": False, "error": fail})
        return True

    def hang_up(self):
        self.close_connection = True
        self.connection.close()

    def read_args(self, url, body):
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        if not token:
            raise Refused("not_authed")
        if scheme != "Bearer" or token != self.server.slack.token:
            raise Refused("invalid_auth")
        if self.command == "GET":
            self.args = dict(parse_qsl(url.query, keep_blank_values=True))
            return
        kind = [part.strip().lower() for part in self.headers.get("Content-Type", "").split(";")]
        if kind[0] != "application/json":
            raise Refused("invalid_post_type")
        if "charset=utf-8" not in kind[1:]:
            raise Refused("missing_charset")
        try:
            self.args = json.loads(body.decode("utf-8"))
        except ValueError:
            raise Refused("invalid_json") from None
        if not isinstance(self.args, dict):
            self.args = {}
            raise Refused("json_not_object")

    def control(self, path, body):
        slack = self.server.slack
        if path == "/_fail" and self.command == "POST":
            slack.set_fail(body.decode("utf-8"))
            self.answer(200, {"ok": True})
        elif path == "/_messages":
            with slack.lock:
                self.answer(200, {"ok": True, "messages": list(slack.messages)})
        else:
            self.answer(404, {"ok": False})

    def record(self, status, answer):
        if not self.server.log:
            return
        line = json.dumps({"time": time.time(), "method": self.command, "path": urlsplit(self.path).path,
                           "arguments": getattr(self, "args", {}), "status": status, "answer": answer})
        with self.server.log_lock, open(self.server.log, "a", encoding="utf-8") as log:
            log.write(line + "\n")

    def answer(self, status, answer, headers=None):
        body = (answer if isinstance(answer, str) else json.dumps(answer)).encode("utf-8")
        if not self.path.startswith("/_"):
            self.record(status, answer)
        try:
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Type",
                             "text/html" if isinstance(answer, str) else "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except OSError:
            self.close_connection = True


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], (OSError, ValueError)):
            super().handle_error(request, client_address)


def watch(server, parent, idle):
    while os.getppid() == parent and time.monotonic() - server.last < idle:
        time.sleep(0.2)
    os._exit(0)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port-file")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--log")
    parser.add_argument("--token", default="xoxb-test-token")
    parser.add_argument("--channel", action="append", default=[])
    parser.add_argument("--fail", default="")
    parser.add_argument("--idle", type=float, default=300)
    options = parser.parse_args()
    parent = os.getppid()
    channels = options.channel or ["#ops", "#general", "#wholesale-exceptions", "#finance", "#logistics"]
    server = Server(("127.0.0.1", options.port), Handler)
    server.slack = Slack(options.token, channels, options.fail)
    server.log = options.log
    server.log_lock = threading.Lock()
    server.last = time.monotonic()
    threading.Thread(target=watch, args=(server, parent, options.idle), daemon=True).start()
    if options.port_file:
        with open(options.port_file + ".new", "w", encoding="ascii") as port:
            port.write("%d\n" % server.server_address[1])
        os.replace(options.port_file + ".new", options.port_file)
    server.serve_forever()


if __name__ == "__main__":
    main()
