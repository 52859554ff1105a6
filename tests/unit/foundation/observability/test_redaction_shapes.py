"""What is masked and what stays, word for word: each line was a leak, or a fact lost, in somebody's logs."""

# ruff: noqa: E501, SIM905 - a case is a line, a list of words too
from __future__ import annotations

import base64
import random
import re

import pytest

from ironleaf.foundation.observability import Redactor
from ironleaf.foundation.observability.shapes import Screen, Shape

MASKED = {
    "several words": ("Password: correct horse battery staple, then retry", "Password:<secret>, then retry"),
    "several words, Chinese": ("密码：春天 花开 2024 好；口令: a b", "密码：<secret>；口令:<secret>"),
    "several words before fields": ("password: correct horse user=bob host: db", "password:<secret> user=bob host: db"),
    "several words after a sign": ("passphrase = correct horse battery; ok", "passphrase =<secret>; ok"),
    "mysql": ("mysql -u root -pS3cret! db", "mysql -u root -p<secret> db"),
    "mysqldump": ("run mysqldump -phunter2 -u x", "run mysqldump -p<secret> -u x"),
    "mariadb": ("mariadb-dump --all -phunter2", "mariadb-dump --all -p<secret>"),
    "sshpass": ("sshpass -p hunter2 ssh host", "sshpass -p <secret> ssh host"),
    "redis": ("redis-cli -h x -a hunter2 ping", "redis-cli -h x -a <secret> ping"),
    "hex key": ("api key 0123456789abcdef0123456789abcdef refused", "api key <key> refused"),
    "hex token": ("the token is '0123456789abcdef0123456789abcdef01234567'", "the token is '<key>'"),
    "hex plain key": (f"refused with key {'0a' * 32}.", "refused with key <key>."),
    "home": ("open '/home/alice/.config/x.toml'", "open '/home/<user>/.config/x.toml'"),
    "home, macOS": ("file:///Users/bob.smith: denied", "file:///Users/<user>: denied"),
    "home, Windows": (r"C:\Users\Bob Smith\x.py", r"C:\Users\<user>\x.py"),
    "home, Windows in JSON": (r"C:\\Users\\bob\\x.py", r"C:\\Users\\<user>\\x.py"),
    "aws secret": (
        "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "aws_secret_access_key =<secret>",
    ),
    "aws secret bare": ("key wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY sent", "key <blob> sent"),
    "aws secret no digit": ("key wJalrXUtnFEMIxKxMDENG/bPxRfiCYEXAMPLEKEY sent", "key <blob> sent"),
    "aws id": ("AKIAIOSFODNN7EXAMPLE", "<key>"),
    "aws session": ("AWS_SESSION_TOKEN=FwoGZXIvYXdzEBYaDG7/abc", "AWS_SESSION_TOKEN=<secret>"),
    "aws presigned": (
        "https://b.s3.amazonaws.com/k?X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F2026&X-Amz-Signature=fe5f80f77d5fa3beca038a248ff027d0445342fe2855ddc963176630326f1024&X-Amz-Security-Token=IQoJb3JpZ2",
        "https://b.s3.amazonaws.com/k?X-Amz-Credential=<secret>&X-Amz-Signature=<secret>&X-Amz-Security-Token=<secret>",
    ),
    "aws presigned2": (
        "https://b.s3.amazonaws.com/k?X-Amz-Security-Token=IQoJb3JpZ2luX2VjEAB",
        "https://b.s3.amazonaws.com/k?X-Amz-Security-Token=<secret>",
    ),
    "azure sas": (
        "https://a.blob.core.windows.net/c/f?sv=2022-11-02&sp=r&sig=Zm9vYmFyYmF6cXV4%2Babc%3D",
        "https://a.blob.core.windows.net/c/f?sv=2022-11-02&sp=r&sig=<secret>",
    ),
    "azure conn": (
        "DefaultEndpointsProtocol=https;AccountName=acct;AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;EndpointSuffix=core",
        "DefaultEndpointsProtocol=https;AccountName=acct;AccountKey=<secret>;EndpointSuffix=core",
    ),
    "azure conn short": ("AccountKey=short/key==;x", "AccountKey=<secret>;x"),
    "azure sk": ("SharedAccessKey=abc/def=;", "SharedAccessKey=<secret>;"),
    "gcp json": (
        '{"type":"service_account","private_key_id":"0123456789abcdef0123456789abcdef01234567","private_key":"-----BEGIN PRIVATE KEY-----\\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7\\nabcdEFGH1234\\n-----END PRIVATE KEY-----\\n","client_email":"x@y.iam.gserviceaccount.com"}',
        '{"type":"service_account","private_key_id":"0123456789abcdef0123456789abcdef01234567","private_key":<secret>,"client_email":"<email>"}',
    ),
    "pem \\n alone": (
        "cfg: -----BEGIN PRIVATE KEY-----\\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7\\nabcdEFGH1234\\n-----END PRIVATE KEY-----\\n",
        "cfg: <key>\\n",
    ),
    "pem doubly esc": (
        "-----BEGIN PRIVATE KEY-----\\\\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7\\\\nabcdEFGH1234\\\\n-----END PRIVATE KEY-----\\\\n",
        "<key>\\\\n",
    ),
    "openssh": (
        "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\n-----END OPENSSH PRIVATE KEY-----",
        "<key>",
    ),
    "pgp": ("-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlQOYBF\n-----END PGP PRIVATE KEY BLOCK-----", "<key>"),
    "ssh2": (
        "---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\nP2/56wAAAi4AAAA3aWYtbW9kbntzaWdue3JzYS1wa2\n---- END",
        "<key>",
    ),
    "cookie hdr": ("Cookie: sid=abc123; theme=dark; csrftoken=zzz", "Cookie:<secret>"),
    "set-cookie": ("Set-Cookie: sessionid=38afes7a8; HttpOnly; Path=/", "Set-Cookie:<secret>"),
    "url token": ("GET /x?token=abc123&x=1", "GET /x?token=<secret>&x=1"),
    "url access_token": ("GET /x?access_token=abc123&x=1", "GET /x?access_token=<secret>&x=1"),
    "url key": ("GET /x?key=AbCd1234efgh", "GET /x?key=<key>"),
    "url apikey": ("GET /x?apikey=abc12", "GET /x?apikey=<secret>"),
    "url sig": ("https://h/x?Signature=abc12%3D", "https://h/x?Signature=<secret>"),
    "url code": ("https://h/cb?code=4/0AX4XfWh&state=1", "https://h/cb?code=<key>&state=1"),
    "url frag": ("https://h/cb#access_token=ya29.abc", "https://h/cb#access_token=<secret>"),
    "google oauth": ("ya29.a0AfH6SMBx12345678901234", "<key>"),
    "form": ("username=bob&password=hun%26ter&x=1", "username=bob&password=<secret>&x=1"),
    "form json pw": ('{"password":"a\\"bc def"}', '{"password":<secret>}'),
    "jwt": ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc-DEF_123", "<token>"),
    "jwt nosig": ("eyJhbGciOiJub25lIn0.eyJzdWIiOiIxMjM0In0", "<token>"),
    "jwt nosig dot": ("eyJhbGciOiJub25lIn0.eyJzdWIiOiIxMjM0In0.", "<token>"),
    "jwe": (
        "eyJhbGciOiJSU0EtT0FFUCJ9.OKOawDo13gRp2ojaHV7LFpZcg.48V1_ALb6US04U3b.5eym8TW_c8SuK0ltJ3rpYIzOeD.XFBoMYUZodetZdvTiFvSkQ",
        "<token>",
    ),
    "jwt part": ("payload eyJzdWIiOiIxMjM0NTY3ODkwIn0 only", "payload <token> only"),
    "zh mobile sep": ("手机138-1234-5678联系", "手机<number>联系"),
    "zh mobile sep2": ("手机 138 1234 5678 联系", "手机 <number> 联系"),
    "zh mobile sep3": ("电话：138.1234.5678", "电话：<number>"),
    "zh mobile 86": ("+86-138-1234-5678", "<number>"),
    "zh mobile 0086": ("008613812345678", "<number>"),
    "zh mobile stuck": ("手机13812345678联系", "手机<number>联系"),
    "zh mobile after colon": ("phone:13812345678", "phone:<number>"),
    "zh id sep": ("110101-19900307-8515", "<number>"),
    "zh id sep2": ("110101 19900307 8515", "<number>"),
    "zh id x": ("11010119900307851X", "<number>"),
    "zh id x stuck": ("身份证11010119900307851x。", "身份证<number>。"),
    "zh landline": ("010-62345678", "<number>"),
    "zh bank card": ("6222021234567890123", "<number>"),
    "us ssn": ("SSN 123-45-6789", "SSN <number>"),
    "us phone": ("call (415) 555-2671", "call <number>"),
    "e164": ("call +14155552671 now", "call <number> now"),
    "e164 de": ("call +49 30 901820 now", "call <number> now"),
    "card dashes": ("4111-1111-1111-1111", "<number>"),
    "card dashes trailing": ("4111-1111-1111-1111-", "<number>-"),
    "card after =": ("card=4111111111111111", "card=<number>"),
    "card underscore": ("card_4111111111111111", "card_<number>"),
    "amex": ("3782 822463 10005", "<number>"),
    "iban": ("DE89370400440532013000", "<number>"),
    "iban lower": ("de89370400440532013000", "<number>"),
    "iban spaces": ("GB29 NWBK 6016 1331 9268 19", "<number>"),
    "iban dash": ("GB29-NWBK-6016-1331-9268-19", "<number>"),
    "passport cn": ("护照E12345678", "护照<number>"),
    "passport lab": ("passport no: G12345678", "passport no:<number>"),
    "dsn special": ("postgresql://ann:p@ss/w:rd@db.local/x", "postgresql://<credentials>@db.local/x"),
    "dsn special2": ("postgresql://ann:p@ss@db.local/x", "postgresql://<credentials>@db.local/x"),
    "dsn quote": ("redis://:it's@h:6379", "redis://<credentials>@h:6379"),
    "dsn nouser": ("redis://:s3cret@h:6379/0", "redis://<credentials>@h:6379/0"),
    "dsn #": ("amqp://u:pa#ss@h/db", "amqp://<credentials>@h/db"),
    "dsn kv": ("host=db user=ann password=p4ss dbname=x", "host=db user=ann password=<secret> dbname=x"),
    "dsn kv quoted": ("host=db password='p4 s\\'s' dbname=x", "host=db password=<secret> dbname=x"),
    "odbc": ("Driver=x;UID=sa;PWD={p;w};", "Driver=x;UID=sa;PWD=<secret>;"),
    "jdbc": ("jdbc:mysql://h/db?user=a&password=b4d", "jdbc:mysql://h/db?user=a&password=<secret>"),
    "curl -u": ("curl -u bob:hunter2 https://h/", "curl -u <credentials> https://h/"),
    "curl --user": ("curl --user bob:hunter2 https://h/", "curl --user <credentials> https://h/"),
    "curl -H": ("curl -H 'Authorization: Bearer abc.def' https://h", "curl -H 'Authorization:<secret>' https://h"),
    "curl -H x": ("curl -H 'X-Api-Key: abc' https://h", "curl -H 'X-Api-Key:<secret>' https://h"),
    "--password arg": ("mysql --password hunter2 -h x", "mysql --password <secret> -h x"),
    "--token arg": ("cli --token abcdef", "cli --token <secret>"),
    "aiohttp": (
        "Cannot connect to host h:80 headers={'Authorization': 'Bearer abc'}",
        "Cannot connect to host h:80 headers={'Authorization':<secret>}",
    ),
    "aiohttp mask": (
        "<CIMultiDictProxy('Set-Cookie': 'sid=abc123; Path=/', 'X-Api-Key': 'zz1')>",
        "<CIMultiDictProxy('Set-Cookie': '<secret>', 'X-Api-Key':<secret>)>",
    ),
    "bytes hdr": ("[(b'authorization', b'Bearer abcdefgh')]", "[(b'authorization', <secret>)]"),
    "bytes hdr2": ("[(b'x-api-key', b'abcdefgh')]", "[(b'x-api-key', <secret>)]"),
    "tuple hdr": ("('x-api-key', 'abcdefgh')", "('x-api-key', <secret>)"),
    "pydantic": (
        "1 validation error for S\napi_key\n  Input should be a valid string [type=string_type, input_value='hunter2', input_type=str]",
        "1 validation error for S\napi_key\n  Input should be a valid string [type=string_type, input_value=<input>, input_type=str]",
    ),
    "pydantic dict": (
        "[type=x, input_value={'password': 'hunter2', 'a': 1}, input_type=dict]",
        "[type=x, input_value=<input>, input_type=dict]",
    ),
    "repr kwargs": ("Settings(api_key='abc', password=\"x y\")", "Settings(api_key=<secret>, password=<secret>)"),
    "xml": ("<password>hunter2</password>", "<password><secret></password>"),
    "yaml": ("password: hunter2\nuser: x", "password:<secret>\nuser: x"),
    "env": ("IRONLEAF_ENGINES__KEY=hunter2abc", "IRONLEAF_ENGINES__KEY=<secret>"),
    "openai err": ("Incorrect API key provided: sk-ab***********cdef", "Incorrect API key provided: <key>"),
    "openai proj": ("sk-proj-abcDEF-123_456abcDEF789xyz0123", "<key>"),
    "anthropic": ("sk-ant-api03-abcDEF-123_456abcDEF789xyz0123-AA", "<key>"),
    "hf": ("hf_abcdefghijklmnopqrstuvwx", "<key>"),
    "github_pat": ("github_pat_11ABCDEFG0abcdefghijkl_MNOP", "<key>"),
    "glpat": ("glpat-ABCdef123456_abcdef", "<key>"),
    "slack hook": (
        "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX",
        "https://hooks.slack.com/services/<key>",
    ),
    "feishu hook": (
        "https://open.feishu.cn/open-apis/bot/v2/hook/0b1c2d3e-4f56-7890-abcd-ef0123456789",
        "https://open.feishu.cn/open-apis/bot/v2/hook/<key>",
    ),
    "dingtalk": (
        "https://oapi.dingtalk.com/robot/send?access_token=abc",
        "https://oapi.dingtalk.com/robot/send?access_token=<secret>",
    ),
    "wecom": (
        "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=693axxx6-7aoc-4bc4-97a0-0ec2sifa5aaa",
        "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=<key>",
    ),
    "discord": (
        "https://discord.com/api/webhooks/123456789012345678/abcDEF-ghi_jkl",
        "https://discord.com/api/webhooks/<key>",
    ),
    "telegram": (
        "https://api.telegram.org/bot123456:ABC-DEF1234ghIkl-zyx57W2v1u123ew11/sendMessage",
        "https://api.telegram.org/bot<key>/sendMessage",
    ),
    "google api": ("AIzaSyD-abcdefghijklmnopqrstuvwxyz1234", "<key>"),
    "dashscope": ("sk-1234567890abcdef1234567890abcdef", "<key>"),
    "aliyun": ("LTAI5tAbCdEfGhIjKlMnOpQr", "<key>"),
    "tencent": ("AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE", "<key>"),
    "zhipu": ("0123456789abcdef0123456789abcdef.AbCdEfGhIjKlMnOp", "<key>"),
    "npm": ("npm_abcdefghijklmnopqrstuvwxyz0123456789", "<key>"),
    "do": ("dop_v1_0123456789abcdef0123456789abcdef", "<key>"),
    "age": ("AGE-SECRET-KEY-1QQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQ", "<key>"),
    "vault": ("hvs.CAESIJabcdefghijkl12345", "<key>"),
    "digest": (
        'Authorization: Digest username="bob", realm="x", nonce="abc", response="6629fae49393a05397450978507c4ef1"',
        "Authorization:<secret>",
    ),
    "authorization token": ("Authorization: token abcdef123", "Authorization:<secret>"),
    "authorization apikey": ("Authorization: ApiKey VnVhQ2ZHY0JDZGJrUW0=", "Authorization:<secret>"),
    "authorization sig": (
        "Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, Signature=fe5f80f77d5fa3beca038a248ff027d0445342fe2855ddc963176630326f1024",
        "Authorization:<secret>",
    ),
    "proxy-auth": ("Proxy-Authorization: Basic YWxhZGRpbjpvcGVuc2VzYW1l", "Proxy-Authorization:<secret>"),
    "x-auth": ("x-auth-token: abc", "x-auth-token:<secret>"),
    "zh colon": ("密码：秘密123", "密码：<secret>"),
    "zh is": ("密码是abc123", "密码是<secret>"),
    "zh token": ("令牌：abc123", "令牌：<secret>"),
    "email plain": ("bob@example.com", "<email>"),
    "email idn": ("张三@例子.公司", "<email>"),
    "email pct": ("user=bob%40example.com", "user=<email>"),
    "otp": ("one-time code: 123456", "one-time code:<secret>"),
    "pw arrow": ("password => 'abc'", "password => <secret>"),
    "pw is": ("password is hunter2", "password is <secret>"),
    "client_secret": ("client_secret=abc", "client_secret=<secret>"),
    "clientSecret": ("clientSecret: 'abc'", "clientSecret:<secret>"),
    "apiKey camel": ("apiKey=abc", "apiKey=<secret>"),
    "accessToken": ('{"accessToken":"abc"}', '{"accessToken":<secret>}'),
    "refresh": ("refresh_token=abc", "refresh_token=<secret>"),
    "userPassword": ("userPassword=abc", "userPassword=<secret>"),
    "passwords": ("passwords=abc", "passwords=<secret>"),
    "DB_PASS": ("DB_PASS=abc", "DB_PASS=<secret>"),
    "DB_PASS1": ("DB_PASSWORD_1=abc", "DB_PASSWORD_1=<secret>"),
    "secret_key": ("secret_key=abc", "secret_key=<secret>"),
    "encryption key": ("encryption_key=abc", "encryption_key=<secret>"),
    "hmac_key": ("webhook_key: abcd", "webhook_key:<secret>"),
    "html esc": ("password=&quot;hunter2&quot;", "password=<secret>"),
    "pct enc key": ("token%3Dabc123", "token%3D<secret>"),
    "data uri": ("data:image/png;base64,iVBORw0KGgo=", "<blob>"),
    "data uri charset": ("data:text/plain;charset=utf-8;base64,SGVsbG8gd29ybGQ=", "<blob>"),
    "data uri plain": ("data:text/html,<script>secret", "<blob>"),
    "xml ns": ("<ns:apiKey>abc</ns:apiKey>", "<ns:apiKey><secret></ns:apiKey>"),
    "stripe": ("sk_live_mZ8qT1vR4xW7yB2nC5kD9fG3", "<key>"),
    "slack token": ("xoxb-123456789012-mZ8qT1vR4xW7yB2nC5kD9fG3", "<key>"),
    "github": ("ghp_mZ8qT1vR4xW7yB2nC5kD9fG3", "<key>"),
    "github server": ("ghs_mZ8qT1vR4xW7yB2nC5kD9fG3", "<key>"),
    "sendgrid": ("SG.mZ8qT1vR4xW7yB2nC5kD9fG3.mZ8qT1vR4xW7yB2nC5kD9fG3", "<key>"),
    "pypi": ("pypi-mZ8qT1vR4xW7yB2nC5kD9fG3", "<key>"),
    "long sender": ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@example.com", "<email>"),
    "card with a space": ("4111 1111 1111 1111", "<number>"),
    "thirteen digits": ("4222222222222", "<number>"),
    "nineteen digits": ("6304000000000000000", "<number>"),
    "card of the 2-series": ("2223003122003222", "<number>"),
    "id parsed by day 31": ("110101199012310018", "<number>"),
    "two on a line": ("user=a password=b1c2 token=d3e4", "user=a password=<secret> token=<secret>"),
    "twice escaped quotes": ('body \\"token\\": \\"abc def\\" end', 'body \\"token\\":<secret> end'),
    "single escaped quotes": ("body \\'token\\': \\'abc def\\' end", "body \\'token\\':<secret> end"),
    "an unclosed quote": ('token="abc def', "token=<secret>"),
    "brackets inside": ("password=ab)cd,x", "password=<secret>,x"),
    "list": ("tokens=['ab1', 'cd2'] x", "tokens=<secret> x"),
    "tuple": ("auth=('bob', 'pw') x", "auth=<secret> x"),
    "percent-encoded quotes": ("token=%22abc%22 x", "token=<secret> x"),
    "bytes": ("token=b'abc' x", "token=<secret> x"),
    "relative": ("Basic dXNlcjpwYXNz x", "Basic <token> x"),
    "bearer": ("bearer abc.def x", "bearer <token> x"),
    "user and key only": ("https://s3cr3tt0k3n@host/x", "https://<credentials>@host/x"),
    "proxy user": ("curl --proxy-user=bob:pw https://h", "curl --proxy-user=<credentials> https://h"),
    "short jwt": ("eyJhbGciOiJub25lIn0.e30abcdefg", "<token>"),
    "half a key file": ("-----BEGIN RSA PRIVATE KEY-----\nMIIabc", "<key>"),
    "ten digits of rk": ("rk-abcdefghijk1", "<key>"),
    "verification code": ("验证码 是 556677 吧", "验证码 是 <secret> 吧"),
    "pin was": ("pin was 5566.", "pin was <secret>"),
    "passport, lower case": ("Passport: gx1234567 ", "Passport:<number> "),
    "e164 grouped": ("+86 10 6234 5678", "<number>"),
}

FACTS = (
    "password: wrong for user bob",
    "password: required but missing",
    "mysql -p db",
    "mysql -P3306 -h db",
    "cache key 0123456789abcdef0123456789abcdef",
    "api key 0123456789abcdef",
    "sha256 0123456789abcdef0123456789abcdef",
    "https://example.org/home/page",
    "PUT /v1/Users/12",
    "/homes/alice",
    "2026-11-24T04:31:21.123456Z",
    "2026-11-24 04:31:21,123",
    "20261124043121123",
    "Tue, 24 Nov 2026 04:31:21 GMT",
    "01JDA2B3C4D5E6F7G8H9J0K1M2",
    "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "commit cfc7216a0b1c2d3e4f5061728394a5b6c7d8e9f0",
    'etag "5d41402abc4b2a76b9719d911017c592"',
    "fingerprint 1a2b3c4d5e6f",
    "123456789012",
    "fingerprint=123456789012",
    "550e8400-e29b-41d4-a716-446655440000",
    "12345678-1234-1234-1234-123456789012",
    "1.2.3rc1+build.20261124",
    "python 3.11.7 (main, Dec  8 2023)",
    "ironleaf.services.engines.vision_language.engine:VisionLanguageEngine.read_page.<locals>.attempt:112",
    "tokens=12",
    "prompt_tokens: 512",
    "max_tokens=4096",
    "usage: {'prompt_tokens': 512, 'completion_tokens': 12, 'total_tokens': 524}",
    "pages: 3",
    "author: x",
    "session started",
    "session: 3 requests",
    "elapsed_ns=1345678901234",
    "took 13456789012 ns",
    "mtime=1700000000000000000",
    "1764045081.123456",
    "ts=1764045081123",
    "pid 13812",
    "bytes=13800000000",
    "bytes: 13812345678 of 20000000000",
    "13,812,345,678",
    "token limit reached",
    "secret word",
    "tokens: 12",
    "token count: 12",
    "first token: 0.8 s",
    "first_token: 1.25",
    "token_s=0.5",
    "between_tokens_s: 2.5",
    "password required",
    "auth failed: 401",
    "authentication error: wrong key",
    "auth: off",
    "cookies: 0",
    "basic authentication failed",
    "basic settings used",
    "Basic example: x",
    "bearer token missing",
    "Bearer authentication required",
    "signature: mismatch",
    "signature verification failed",
    "credentials: missing",
    "session_id: none",
    "api_key: not set",
    "api key=None",
    "password=None",
    "token: <class 'str'>",
    "0x7f8a1c2d3e40",
    "<ClientResponse(http://127.0.0.1:9997/v1/chat/completions) [500 Internal Server Error]>",
    "http://localhost:9997/v1/models",
    "user@host",
    "mail to ops",
    "git@github.com:x/y.git",
    "rapidocr==3.10.0",
    "@app.post",
    "ClientConnectorError: Cannot connect to host 10.0.0.7:9997 ssl:default [Connect call failed ('10.0.0.7', 9997)]",
    "Qwen/Qwen2.5-VL-7B-Instruct",
    "qwen2-vl-7b-instruct-awq-int4-gguf-20241024-0123",
    "Xinference replica qwen-vl-0-7f9c",
    "skipped: 3",
    "skills",
    "pk_index=3",
    "il_something",
    "illegal_instruction_detected_here_123456789012",
    "skip-page-recognition-because-of-limit",
    "sk-learn",
    "npm-shrinkwrap-version-file",
    "rk3588-npu-device-driver-loaded-1234567890",
    "hf-mirror-endpoint",
    "pages 1-2-3-4-5-6-7-8-9-10-11-12-13",
    "1 2 3 4 5 6 7 8 9 10 11 12 13 14",
    "bbox 100 200 300 400 500 600",
    "[0.1, 0.2, 0.3, 100, 200, 300, 400, 500]",
    "size 1920 1080 2048 4096 8192",
    "limits: 1000 2000 3000 4000",
    "durations ms 1234 2345 3456 4567",
    "2026-11-24 04:31",
    "2026 11 24 04 31 21",
    "version 2026.11.24.1234",
    "RuntimeError: CUDA out of memory. Tried to allocate 2147483648 bytes; 12345678901 free",
    '10.0.0.7 - - [24/Nov/2026:04:31:21 +0000] "POST /v1/convert HTTP/1.1" 200',
    "onnxruntime.capi.onnxruntime_pybind11_state.InvalidArgument",
    "VisionLanguageEngineConfigurationFactoryProviderV2Implementation",
    "site-packages/aiohttp/connector_implementation/V2Something12345678",
    "/usr/lib/python3.11/asyncio/base_events.py",
    "/data/models/Qwen2.5-VL-7B-Instruct/snapshots/0123456789abcdef0123456789abcdef01234567/model.safetensors",
    "https://github.com/owner/repo/commit/cfc7216a0b1c2d3e4f5061728394a5b6c7d8e9f0",
    "SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self signed certificate (_ssl.c:1006)",
    "W3C traceparent 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "retry after 7",
    "Retry-After: 7",
    "key: value",
    "keyboard",
    "monkey=3",
    "tokenizer=fast",
    "token_type=word",
    "authority: x",
    "passed=3",
    "pass=2",
    "bypass: on",
    "pass: 3 of 5",
    "compass=1",
    "secretary: bob",
    "ISO-8859-1",
    "PDF-1.7",
    "UTF-8",
    "A4 210x297",
    "DE12 pages",
    "GB18030",
    "CN1234 5678 9012",
    "Content-Type: application/json; charset=utf-8",
    "cache-control: no-cache",
    "module 'x' has no attribute 'token'",
    "unexpected token: '<' at 3",
    "JSONDecodeError: Expecting value: line 1 column 1 (char 0)",
    "SyntaxError: unexpected token: }",
    "replica uid: qwen2-vl-1",
    "kv_cache_tokens=131072",
    "model_uid=Qwen2-VL",
    "cuda:0",
    "http://[::1]:9997/x",
    "400 bad key: the upstream refused the key",
    "upstream 401: api key: rejected",
    "job_01JDA2B3C4D5E6F7G8H9J0K1M2",
    "finish_reason=length",
    "session=closed",
    "Session: closed",
    "OpenGVLab/InternVL2_5-8B-MPO-AWQ-Int4-hf",
    "password: required",
    "token=none",
    "api_key=True",
    "auth: 401",
    "--user 1000:1000",
    "curl --user 1000:1000 x",
    "1234567890123456",
    "4111111111111112",
    "4111 1111 1111 1112",
    "card 41111111111111111111",
    "1.4111111111111111",
    "4111111111111111.5",
    "read 4111111111111111 bytes",
    "size=4111111111111111",
    "DE89370400440532013001",
    "12345678901 of 20000000000",
    "free: 13812345678",
    "13812345678 px",
    "138-1234-56789",
    "2138123456789",
    "0x13812345678",
    "13812345678.5",
    "x_13812345678",
    "password is required",
    "password is set",
    "id 110101199013010018",
    "110101199003320018",
    "1+1=2",
    "time=2026-11-24",
    "cookie jar",
    "passport office",
    "--dry-run token",
    "(a) b",
    "SG.1",
    "cards: 4",
    "https://host:9997/a@b",
    "https://host/a@b/c",
    "basic auth",
    "Bearer token",
    "<token>",
    "<class 'Token'>",
    "eyelash.extension",
    "hv.x",
    "key=short",
    "?key=1234567",
    "?code=40030",
    "/services/list",
    "/hook/x",
    "/bot1:abc",
    "abcdefghijklmnopqrstuvwxyzabcdefghij",
    "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJ",
)

NAMES = {
    "password": "<secret>",
    "userPassword": "<secret>",
    "db_password_1": "<secret>",
    "X-Api-Key": "<secret>",
    "clientSecret": "<secret>",
    "accessToken": "<secret>",
    "set-cookie": "<secret>",
    "cookies": "<secret>",
    "sig": "<secret>",
    "password_hash": "<secret>",
    "密码": "<secret>",
    "tokens": "<secret>",
    "messages": "<content 5>",
    "response_text": "<content 5>",
    "pageText": "<content 5>",
    "input_value": "<content 5>",
    "locals": "<content 5>",
    "author": "plain",
    "token_count": "plain",
    "compass": "plain",
    "secretary": "plain",
    "context": "plain",
    "text_layer": "plain",
    "key": "plain",
}


@pytest.mark.parametrize("name", MASKED)
def test_what_was_a_leak_is_masked_and_the_rest_of_the_line_stays(name: str) -> None:
    text, masked = MASKED[name]
    assert Redactor().redact_text(text) == masked


@pytest.mark.parametrize("text", FACTS)
def test_facts_that_look_like_secrets_stay(text: str) -> None:
    assert Redactor().redact_text(text) == text


@pytest.mark.parametrize("name", NAMES)
def test_a_name_decides_over_a_value_without_a_shape(name: str) -> None:
    assert Redactor().redact_event({name: "plain", "x": {name: "plain"}}) == {
        name: NAMES[name],
        "x": {name: NAMES[name]},
    }


@pytest.mark.parametrize("name", ["tokens", "prompt_tokens", "maxTokens"])
def test_tokens_are_counted(name: str) -> None:
    assert Redactor().redact_event({name: 512, "x": {name: 1.5}}) == {name: 512, "x": {name: 1.5}}


@pytest.mark.parametrize("number", [32, 40, 60, 200])
def test_random_bytes_in_base64_are_masked_all_but_always(number: int) -> None:
    randomness = random.Random(number)
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        texts = [encode(randomness.randbytes(number)).decode()[:number] for _ in range(300)]
        missed = sum(Redactor().redact_text(f"got {text} from") != "got <blob> from" for text in texts)
        assert missed <= 3  # one in a hundred reads like words, has many dashes, or holds another secret's shape


def test_every_line_of_wrapped_base64_is_masked() -> None:
    randomness = random.Random(7)
    blob = base64.b64encode(randomness.randbytes(200)).decode()
    for width in (16, 30, 64, 76):
        lines = [blob[at : at + width] for at in range(0, len(blob), width)]
        for wrap in ("\n", "\r\n", "\\n", "\\r\\n"):
            assert Redactor().redact_text(f"part: {wrap.join(lines)} end") == "part: <blob> end"


def test_addresses_of_every_kind_are_hidden_when_asked_and_frames_are_not() -> None:
    redactor = Redactor(hide_addresses=True)
    hidden = {
        "http://10.0.0.7:9997/v1/models": "http://<address>/v1/models",
        "https://ann:pw@db.local/x": "https://<credentials>@<address>/x",
        "to 2001:db8::8a2e:370:7334 now": "to <address> now",
        "to 2001:db8:1:2:3:4:5:6 now": "to <address> now",
        "to fe80::1%eth0, ::1": "to <address>, <address>",
        "[fe80::1%eth0]:80": "<address>",
        "[::1]:80": "<address>",
        "10.0.0.7": "<address>",
        "model-host:9997 and db.local:53": "<address> and <address>",
    }
    for text, masked in hidden.items():
        assert redactor.redact_text(text) == masked
        assert Redactor().redact_text(text).replace("<credentials>", "ann:pw") == text
    for fact in (
        "ironleaf.flow:ConversionFlow.convert:112",
        "at 12:34:56",
        "3.11.7",
        "std::vector",
        "a: 10",
        "1.2.3.4.5",
    ):
        assert redactor.redact_text(fact) == fact


def test_numbers_that_are_identities_are_masked_from_thirteen_digits_on() -> None:
    kept = [13_812_345_678, 999_999_999_999, 1_764_045_081_123, 4_111_111_111_111_112, 2**63 - 1, -(2**63) + 1, 0, -5]
    assert Redactor().redact(kept) == kept
    assert Redactor().redact([4_222_222_222_222, 4_111_111_111_111_111, 110101199003078515]) == ["<number>"] * 3
    assert Redactor().redact([2**63, -(10**6000)]) == ["<number of 64 bits>", "<number of 19932 bits>"]
    assert Redactor().redact([float("nan"), float("-inf"), 1.5, True, None]) == ["nan", "-inf", 1.5, True, None]


def test_fields_of_our_own_are_not_looked_at_but_only_while_they_look_like_ours() -> None:
    ours = {"time": "2026-11-24T04:31:21Z", "request_id": "eyJhbGciOiJub25lIn0", "code": 40030, "level": "info"}
    assert Redactor().redact_event(ours) == ours
    assert Redactor().redact_event({"code": "x" * 64, "kind": "x" * 65 + " token=abc"}) == {
        "code": "x" * 64,
        "kind": "x" * 65 + " token=<secret>",
    }
    assert Redactor().redact_event({"code": "密码=abc", "job_id": 2**63, "fingerprint": ["token=abc"]}) == {
        "code": "密码=<secret>",
        "job_id": "<number of 64 bits>",
        "fingerprint": ["token=<secret>"],
    }
    assert Redactor().redact_event({"x": {"code": "token=abc"}}) == {"x": {"code": "token=<secret>"}}
    assert Redactor().redact_event({"a token=abc": 1}) == {"a token=<secret>": 1}


# Every word that names a secret, in every way of saying "name, value".
SECRET_WORDS = (
    "password passwd passphrase passcode secret token authorization signature csrf session_id sessionid session-id "
    "api_key api-key apikey access_key account_key private_key signing_key encryption_key hmac_key webhook_key "
    "master_key license_key licence_key subscription_key X__KEY one-time-code pass pwd auth sig pin otp session cookie "
    "credential credentials dbPass dbPwd dbAuth dbSig dbSession dbCookie dbCredential userCredentials secret_key "
    "tokenValue password_hash secret-base64 token_b64 tokens password_1 password_12 password_123 密码 口令 密钥 令牌 验证码"
).split()
SPACED_WORDS = ["api key", "one-time code", "verification code", "security code"]
HARMLESS_WORDS = [
    "compass",
    "author",
    "secretary",
    "tokenizer",
    "signal",
    "pinned",
    "sessions_open",
    "dbpass",
    "password_1234",
]
SAID = {
    "{}=north9": "{}=<secret>",
    "<x:{}>north9</x:{}>": "<x:{}><secret></x:{}>",
    "f('{}', 'north9')": "f('{}', <secret>)",
    'f(b"{}", b"north9")': 'f(b"{}", <secret>)',
    "run --{} north9 x": "run --{} <secret> x",
    "run --my-{} north9 x": "run --my-{} <secret> x",
}
SIGNS = ("=", "==", "=>", ":", "：", "%3D", "%3A", "%3d", "' = ", '": ', '\\": ', "&quot;: ", "%22: ", "\\': ")
QUOTED = (
    '"{}"',
    "'{}'",
    "b'{}'",
    'b"{}"',
    '\\"{}\\"',
    "\\'{}\\'",
    "&quot;{}&quot;",
    "%22{}%22",
    "{{{}}}",
    "[{}]",
    "({})",
)
MIXED = "q7Wz3Kx9Rt5Yb2Nv8Lm4Hs6Jd1Gf0PcA"
KEYS = {  # beginning: characters needed after it
    "sk-": 12,
    "sk_live_": 10,
    "sk_test_": 10,
    "pk-": 12,
    "rk_": 12,
    "xai-": 12,
    "gsk_": 12,
    "il_": 12,
    "hf_": 16,
    "npm_": 20,
    "gh" + "o_": 16,
    "gh" + "p_": 16,
    "gh" + "r_": 16,
    "gh" + "s_": 16,
    "gh" + "u_": 16,
    "github" + "_pat_": 16,
    "gl" + "pat-": 16,
    "glrt-": 16,
    "glptt-": 16,
    "glsoat-": 16,
    "xo" + "xb-": 10,
    "AKIA": 12,
    "ASIA": 12,
    "AKID": 12,
    "LTAI": 12,
    "AIza": 12,
    "dop_v1_": 16,
    "ya29.": 10,
    "pypi-": 16,
    "hvs.": 16,
    "hvb.": 16,
    "ilk_": 12,
    "ill_": 12,
    "ils_": 12,
    "eyJ": 12,
}


def list_number_cases() -> list[tuple[str, str]]:
    """Return numbers at the bounds of their shapes: a digit more or less, a letter or a dot beside them."""
    masked = ["110101199003078515", "110101 20010307 8515", "4111111111111111", "3714 496353 98431"]
    masked += [
        "+8613812345678",
        "8613812345678",
        "008613812345678",
        "+86 138 1234 5678",
        "010-6234567",
        "0755-62345678",
    ]
    masked += ["CH9300762011623852957", "LC55HEMM000100010012001200023015"]
    masked += [
        "+1 415 555 2671",
        "+49 30 9018",
        "+7 (1234) 12 34",
        "+7 1 12 34 56 78",
        "+999 1234 1234 1234",
        "+12 1 1234 1234",
    ]
    masked += ["+123456 7", "+12345678901234 5", "2223003122003222", "+86-138.1234.5678"]
    masked += ["123-45-6789", "(415) 555-2671", "(415)555-2671", "NO9386011117947", "FR1420041010050500013M02606"]
    masked += ["MT84MALT011000012345MTLCAST001S", "GB29 NWBK 6016 1331 9268 19"]
    cases = [(f"to {number} now", "to <number> now") for number in masked]
    kept = [
        "a110101199003078515",
        ".110101199003078515",
        "110101199003078515a",
        "110101 21010307 8515",
        "110101 18010307 8515",
    ]
    kept += ["4111111111111111a", "a4111111111111111", "-4111111111111111", "371449635398432", "3714 496353 98432"]
    kept += [
        "010-623456",
        "010-623456789",
        "01-6234567",
        "01000-6234567",
        "a010-6234567",
        "010-6234567a",
        "1.010-6234567",
    ]
    kept += ["+12 1 1", "+1 1 1 1", "a+1 415 555 2671", "+0 415 555 2671", "++1 415 555 2671"]
    kept += ["+123 456", "+1234567890123456", "+12345678901234.5", "+14155552671x"]
    kept += ["passport       E1234567", "XX1200001111", *make_wrong_ibans()]
    kept += ["1123-45-6789", "a123-45-6789", "123-45-67890", "1-123-45-6789", "123-45-6789-1", "(415) 555-26711"]
    kept += [
        "passport 12345678",
        "passport office 3: E1234567",
        "passport E123456789",
        "passport E12345",
        "passport EAB123456",
    ]
    kept += ["passport E1234567x", "NO93860111179", "NO9386011117948", "XX00AAAABBBB"]
    cases += [(f"to {number} now", f"to {number} now") for number in kept]
    said = [
        "护照E123456",
        "护照号E1234567",
        "护照号码：E12345678",
        "passport no. EA1234567",
        "Passport number: E1234567",
    ]
    said += ["passport      E1234567"]
    return cases + [(text, re.sub(r"EA?\d+$", "<number>", text).replace(": <", ":<")) for text in said]


def make_iban(account: str) -> str:
    """Return an account number with good check digits, of whatever length."""
    rest = int("".join(str(int(letter, 36)) for letter in account + "XX00")) % 97
    return f"XX{98 - rest:02d}{account}"


def make_wrong_ibans() -> list[str]:
    """Return what has good check digits, yet not the length of any country's numbers."""
    return [make_iban("A1B2C3D4E5F6G7H8J9K0L1M2N3P4Q5R6"), make_iban("A1B2"), make_iban("A1B2C3")]


def list_key_word_cases() -> list[tuple[str, str]]:
    """Return bare hexadecimal behind each of the words that make a key of it, and behind others."""
    number = "0123456789abcdef" * 2
    kinds = ("api", "app", "access", "account", "secret", "model", "subscription")
    words = ["token", "tokens", "secret", "credential", "Credentials", "cache-token"]
    words += [f"{kind}{gap}key" for kind in kinds for gap in " _-"]
    words += [f"{word} key" for word in ("with", "using", "the", "my", "your", "bad", "invalid", "wrong")]
    cases = [(f"{word} {number} x", f"{word} <key> x") for word in words]
    cases += [(f"token {verb} {number} x", f"token {verb} <key> x") for verb in ("is", "was", "of", "value", "IS")]
    cases += [(f"token{gap}{number}: x",) * 2 for gap in ("", " (((", "  ((")]
    cases += [(f"token{gap}{number}: x", f"token{gap}<key>: x") for gap in (" ", "'", "((", " ('", ' ("')]
    cases += [(f"{word} {number} x: y",) * 2 for word in ("cache key", "digest", "row of")]
    cases += [(f"token {'0a' * half} x", "token <key> x") for half in (16, 20, 32)]
    cases += [(f"token {'0a' * half} x: y",) * 2 for half in (15, 17, 31, 33)]
    return cases


def list_phrase_cases() -> list[tuple[str, str]]:
    """Return passwords of several words: how many, and what ends them."""
    twelve = " ".join(["ab"] * 12)
    cases: list[tuple[str, str]] = []
    for name in ("password:", "passphrase:", "passphrase =", "密码：", "口令:"):
        masked = name + "<secret>"
        cases += [
            (f"{name} ab|cd ef", f"{masked} ef"),
            (f"{name} {twelve}", masked),
            (f"{name} {twelve} cd", f"{masked} cd"),
            (f"{name} ab cd, ef", f"{masked}, ef"),
            (f"{name} ab cd e=f", f"{masked} e=f"),
            (f"{name} ab cd {'n' * 50}: f", f"{masked} {'n' * 50}: f"),
            (f"{name} ab cd :ef", masked),
            (f"{name} no such user", f"{name} no such user"),
        ]
    return cases


def list_key_cases() -> list[tuple[str, str]]:
    """Return keys of the least length, which are masked, and what is one character shorter, which is not."""
    cases: list[tuple[str, str]] = []
    for begin, least in KEYS.items():
        mark = "<token>" if begin == "eyJ" else "<key>"
        cases.append((f"got {begin}{MIXED[:least]} now", f"got {mark} now"))
        cases.append((f"got: {begin}{MIXED[: least - 1]} now",) * 2)
        cases.append((f"got y{begin}{MIXED[:least]} now",) * 2)
    cases += [
        ("got dapi0123456789abcdef now", "got <key> now"),
        ("got dapi0123456789abcde now",) * 2,
        ("got gla-" + MIXED[:16],) * 2,
        ("got glabcde-" + MIXED[:16],) * 2,
        ("got rk-" + "abcdefghijkl",) * 2,
        (f"got SG.{MIXED[:16]}.{MIXED[:16]} now", "got <key> now"),
        (f"got SG.{MIXED[:15]}.{MIXED[:16]} now",) * 2,
        (f"got SG.{MIXED[:16]}.{MIXED[:15]} now",) * 2,
        ("got " + "0123456789abcdef" * 2 + "." + MIXED[:16] + " now", "got <key> now"),
        ("got " + "0123456789abcdef" * 2 + "." + MIXED[:15] + " now",) * 2,
        ("got ey12345678.12345678 now", "got <token> now"),
        ("got ey1234567.12345678 now",) * 2,
        ("got ey12345678.1234567 now",) * 2,
        ("got xey12345678.12345678 now",) * 2,
        ("basic a1b2c3 x", "basic <token> x"),
        ("basic a1b2c x",) * 2,
        ("see /hook/abcdefg1 at: x", "see /hook/<key> at: x"),
        ("see /hook/abcdef1 at: x",) * 2,
        ("at: /bot1:" + MIXED[:20] + "/x", "at: /bot<key>/x"),
        ("at: /bot1:" + MIXED[:19] + "/x",) * 2,
        ("at: /T1/B1/abc",) * 2,
        ("at: x?sig=abcdefgh", "at: x?sig=<secret>"),
        ("at: x&hmac=abcdefgh&y", "at: x&hmac=<key>&y"),
        ("at: x?key=abcdefgh", "at: x?key=<key>"),
        ("at: x?key=abcdefg",) * 2,
        ("at: key=abcdefgh",) * 2,
    ]
    return cases


def list_chinese_cases() -> list[tuple[str, str]]:
    """Return secrets that Chinese text surrounds without a space: its characters end no number and begin no word."""
    number = "0123456789abcdef" * 2
    return [
        (f"密文{MIXED}失败", "密文<blob>失败"),
        ("打开/home/alice失败: 无权限", "打开/home/<user>: 无权限"),
        ("请拨+14155552671联系", "请拨<number>联系"),
        ("社保123-45-6789已登记", "社保<number>已登记"),
        ("账号DE89370400440532013000已冻结", "账号<number>已冻结"),
        ("护照E12345678已过期", "护照<number>已过期"),
        ("运行mysql -pnorth9", "运行mysql -p<secret>"),
        ("发送Bearer a1b2c3d4 后", "发送Bearer <token> 后"),
        (f"使用token {number}失败", "使用token <key>失败"),
        ("xmysql -pnorth9",) * 2,
        ("forbearer a1b2c3d4 x",) * 2,
        ("x/home/alice: no",) * 2,
    ]


def list_blob_cases() -> list[tuple[str, str]]:
    """Return base64 of the least length, alone and wrapped into lines."""
    cases: list[tuple[str, str]] = [
        (f"got {MIXED} now", "got <blob> now"),
        (f"got {MIXED[:31]} now",) * 2,
        (f"got {MIXED}= now", "got <blob> now"),
        (f"got {MIXED}=== now", "got <blob>= now"),
        (f"%{MIXED} now", "%<blob> now"),
    ]
    for wrap in ("\n", "\r\n", "\\n", "\\r\\n", "\\r", "\r"):
        cases += [
            (f"got {MIXED[:16]}{wrap}{MIXED[:16]} now", "got <blob> now"),
            (f"got {MIXED[:16]}{wrap}{MIXED[:16]}{wrap}a= now", "got <blob> now"),
            (f"got {MIXED}{wrap}{MIXED[:16]}{wrap}{MIXED[:3]}== now", "got <blob> now"),
            (f"got {MIXED}{wrap}{MIXED * 2}{MIXED[:12]}= now", "got <blob> now"),
        ]
    for wrap in ("\n", "\r"):
        cases += [(f"got {MIXED[:15]}{wrap}{MIXED[:16]} now",) * 2, (f"got {MIXED[:16]}{wrap}{MIXED[:15]} now",) * 2]
        cases.append((f"got {MIXED}{wrap}{MIXED[:15]} now", f"got <blob>{wrap}{MIXED[:15]} now"))
    return cases


PATTERN_CASES = [
    *[(way.replace("{}", word), masked.replace("{}", word)) for word in SECRET_WORDS for way, masked in SAID.items()],
    *[(f"{word}=north9", f"{word}=<secret>") for word in SPACED_WORDS],
    *[(way.replace("{}", word),) * 2 for word in HARMLESS_WORDS for way in SAID],
    *[(f"token{sign}north9", f"token{sign.rstrip()}<secret>") for sign in SIGNS],
    *[(f"a token={quote.format('north 9')} b", "a token=<secret> b") for quote in QUOTED],
    *[(f"a token={quote.format('north 9')[:-1]}", "a token=<secret>") for quote in QUOTED[:6]],
    *[
        (f"{header}{sign}{value}", f"{header}{sign.rstrip()}<secret>")
        for sign in SIGNS
        for header, value in (
            ("Authorization", "Digest a=b, c=d e"),
            ("Authorization", "OAuth a=b, c=d e"),
            ("Authorization", "hawk a=b, c=d e"),
            ("Authorization", "aws4-hmac a=b, c=d e"),
            ("Authorization", "Custom north9"),
            ("Authorization", "C abcdefghijklmnop"),
            ("Set-Cookie", "a=north9; Path; c=d"),
        )
    ],
    *[
        (f"{word} is north9 now", f"{word} is <secret> now")
        for word in ("password", "passwd", "passcode", "otp", "pin")
    ],
    *[(f"{word}是 north9 。", f"{word}是 <secret> 。") for word in ("密码", "口令", "密钥", "令牌", "验证码")],
    ("x --token 'north 9' y", "x --token <secret> y"),
    ('x --token "north 9" y', "x --token <secret> y"),
    ("x--token north9",) * 2,
    ("tcp-u bob:north9",) * 2,
    ("[input_value='north", "[input_value=<input>"),
    ("cache_key=page9",) * 2,
    ("primary_key: north",) * 2,
    ("a <secret> b <secret> c",) * 2,
    ("Authorization Digest a=b, c=d",) * 2,
    ("Authorization Custom north9",) * 2,
    ("token===north9", "token==<secret>"),
    ("Authorization===Digest a=b, c=d", "Authorization==<secret> a=b, c=d"),
    ("password_=north9",) * 2,
    ("f('password_', 'north9')",) * 2,
    ("<password_>north9</password_>",) * 2,
    ("x --password_ north9",) * 2,
    ("x --" + "a" * 40 + "token north9 y", "x --" + "a" * 40 + "token <secret> y"),
    ("x --" + "a" * 41 + "token north9 y",) * 2,
    ("f('" + "a" * 40 + "token', 'north9')", "f('" + "a" * 40 + "token', <secret>)"),
    ("f('" + "a" * 41 + "token', 'north9')",) * 2,
    ("<" + "a" * 40 + "token>north9</x>", "<" + "a" * 40 + "token><secret></x>"),
    ("<" + "a" * 41 + "token>north9</x>",) * 2,
    ("a@" + "b" * 63 + ".cc", "<email>"),
    ("a@" + "b" * 64 + ".cc",) * 2,
    ("a@b." + "c" * 63, "<email>"),
    ("a@b." + "c" * 64, "<email>c"),
    ("x a@b.c", "x <email>"),
    ("a@.cc: x",) * 2,
    ("a@b.: x",) * 2,
    *[
        (f"a {dash}{gap}BEGIN X KEY{dash}\nabc\n{dash}{gap}END X KEY{dash} b", "a <key> b")
        for dash in ("----", "-----")
        for gap in ("", " ")
    ],
    ("a ---BEGIN X KEY--- b",) * 2,
    ("a ----BEGIN X KEY--- b",) * 2,
    ("a ----BEGIN X KEY----abc ---END X KEY--- b", "a <key>"),
    ("a ----BEGIN X KEY----abc ----END X KEY--- b", "a <key>"),
    ("http://host:1/x@y",) * 2,
    ("http://host:99999/x@y",) * 2,
    ("http://host:999999/x@y", "http://<credentials>@y"),
    ("http://host:/x@y", "http://<credentials>@y"),
    ("http://:1/x@y",) * 2,
    ("http://host:123 x@y",) * 2,
    ("http://user:@host", "http://<credentials>@host"),
    ("http://user:" + "p" * 300 + "@host", "http://<credentials>@host"),
    ("http://user:" + "p q" * 101 + "@host",) * 2,
    ("http://user:it's@host", "http://<credentials>@host"),
    ("to 411111111117 now",) * 2,
    ("to 4111111111119 now", "to <number> now"),
    ("to 4111111111111111110 now", "to <number> now"),
    ("to 41111111111111111115 now",) * 2,
    ("to 4111-1111-1111- now",) * 2,
    *list_key_cases(),
    *list_key_word_cases(),
    *list_phrase_cases(),
    *list_chinese_cases(),
    *list_blob_cases(),
    # data: where a picture of a page ends
    ('{"url":"data:image/png;base64,AAAA"},"n":1', '{"url":"<blob>"},"n":1'),
    ("a data:text/plain;x=y,abc b", "a <blob> b"),
    # frames of keys
    ("a ------BEGIN X KEY-----\nabc", "a -<key>"),
    ("a ---BEGIN X KEY-----\nabc",) * 2,
    ("a -----BEGIN X KEY-----\nabc\n-----END X KEY------ b", "a <key>- b"),
    ("a ----BEGIN X KEY----\nabc\n---END X KEY---- b", "a <key>"),
    # credentials in addresses
    ("'http://h:x','http://b@c'", "'http://h:x','http://<credentials>@c'"),
    ("http://user:" + "p" * 301 + "@host",) * 2,
    ("https://" + "u" * 300 + ":x-oauth-basic@host", "https://<credentials>@host"),
    # names and what joins them to a value
    ("DBPass=north9 XPwd: north9", "DBPass=<secret> XPwd:<secret>"),
    ("f('DBPass', 'north9')", "f('DBPass', <secret>)"),
    ("<DBPass>north9</DBPass>", "<DBPass><secret></DBPass>"),
    ("x --DBPass north9", "x --DBPass <secret>"),
    ("x--token north9: y",) * 2,
    ("a token=&quot;north 9", "a token=<secret>"),
    ("a token=%22north 9", "a token=<secret>"),
    ("a token=basic north9 b", "a token=<secret> b"),
    ("Authorization===Custom north9", "Authorization==<secret> north9"),
    ("Authorization Custom north9: x",) * 2,
    (f"Authorization: C{'c' * 30} north9", "Authorization:<secret>"),
    (f"Authorization: C{'c' * 31} north9", "Authorization:<secret> north9"),
    ("Authorization: C abcdefghijklmno", "Authorization:<secret> abcdefghijklmno"),
    ("cookie===a=north9; b=c", "cookie==<secret>; b=c"),
    *[
        case
        for word in ("one-time code", "verification-code", "security code")
        for case in (
            (f"f('{word.replace(' ', '-')}', 'north9')", f"f('{word.replace(' ', '-')}', <secret>)"),
            (f"<{word.replace(' ', '-')}>north9</x>", f"<{word.replace(' ', '-')}><secret></x>"),
            (f"x --{word.replace(' ', '-')} north9", f"x --{word.replace(' ', '-')} <secret>"),
        )
    ],
    # clients of databases
    *[
        case
        for begin, flag in (("mysql ", "-p"), ("redis-cli ", "-a "))
        for case in (
            (f"{begin} {flag}north9", f"{begin} {flag}<secret>"),
            (f"{begin}{'a' * 100} {flag}north9", f"{begin}{'a' * 100} {flag}<secret>"),
            (f"{begin}{'a' * 101} {flag}north9",) * 2,
        )
    ],
    # homes
    (r"C:\Users\Bob: denied", r"C:\Users\<user>: denied"),
    (r"C:\Users\Bob was refused", r"C:\Users\<user> was refused"),
    (r"C:\Users\Bob Smith\x", r"C:\Users\<user>\x"),
    (r"C:\\\\Users\\\\Bob\\\\x", r"C:\\\\Users\\\\<user>\\\\x"),
    (r"C:Users\Bob",) * 2,
    (r"C:\UsersBob",) * 2,
    *list_number_cases(),
    ("token=missing. x", "token=missing. x"),
    ("token=noneX", "token=<secret>"),
    ("token=XnoneX", "token=<secret>"),
    ("token=.none", "token=<secret>"),
    ("tokens=1.2.3", "tokens=<secret>"),
    ("tokens=123456", "tokens=123456"),
    ("令牌： abc", "令牌：<secret>"),
    ("x --user 1:2:3", "x --user <credentials>"),
    ("4111-1111-1111-1112", "<number>"),
    ("BE68 5390 0754 7034.", "<number>."),
    ("BE68 5390 0754 7034 .", "<number> ."),
    ("to BE68 5390 0754 7034 sent on", "to <number>"),  # words that could be one group more go too
    ("to ES91 2100 0418 4502 0005 1332 sent further", "to <number> further"),
    ("to 2223 0031 2200 3222 now", "to <number> now"),
    ("to aNO9386011117947 now",) * 2,
    ("to NO9386011117947_ now",) * 2,
    ("to ES91 2100 0418 4502 0005 1333 sent on",) * 2,
    ("to BE68 5390-0754 7034 x",) * 2,
    ("5555555555554444", "<number>"),
    ("0123456789abcdef" * 2 + "G7kQ2mZ9xV4bT8w", "0123456789abcdef" * 2 + "G7kQ2mZ9xV4bT8w"),
    ("0123456789abcdef" * 2 + "G7kQ2mZ9xV4bT8wY", "<blob>"),
    ("aB3dE-gH7jK-mN1pQ-sT5vW-yZ9bC-eF3hI6", "aB3dE-gH7jK-mN1pQ-sT5vW-yZ9bC-eF3hI6"),
    ("aB3dE-gH7jK-mN1pQ-sT5vW-yZ9bC-eF3hI6k", "<blob>"),
    ("AbcdefghijklmnopqrstuvwxyzabcdeQ1W2E3R4T5Y6U7I8O9P", "AbcdefghijklmnopqrstuvwxyzabcdeQ1W2E3R4T5Y6U7I8O9P"),
    ("AbcdefghijklmnopqrstuvwxyzabcdeQ1W2E3R4T5Y6U7I8O9PX", "<blob>"),
]


def test_every_pattern_at_its_bounds() -> None:
    redactor = Redactor()
    wrong = {text: redactor.redact_text(text) for text, masked in PATTERN_CASES if redactor.redact_text(text) != masked}
    assert wrong == {}


class TestScreen:
    def test_a_shape_masks_its_value_or_all_of_itself(self) -> None:
        screen = Screen(
            (Shape("a", r"x(?P<value>\d)y"), Shape("b", r"z\d"), Shape("c", r"(?P<value>q)r|st")), re.compile("")
        )
        assert screen.apply("x1y z2 qr st x3z4") == "x<a>y <b> <c>r <c> x3<b>"
        assert screen.apply("qr") == "<c>r"

    def test_a_text_without_a_hint_is_left_alone(self) -> None:
        screen = Screen((Shape("a", "a"),), re.compile("b"))
        assert (screen.apply("aa"), screen.apply("ab")) == ("aa", "<a>b")

    def test_a_judge_sees_what_stands_around_it(self) -> None:
        seen: list[tuple[str, str, str]] = []

        def spare(found: str, before: str, after: str) -> bool:
            seen.append((found, before, after))
            return found == "1"

        screen = Screen((Shape("n", r"n(?P<value>\d)", spare),), re.compile(""))
        assert screen.apply("n1 n2") == "n1 n<n>"
        assert seen == [("1", "n", " n2"), ("2", "n1 n", "")]
        screen.apply("a" * 30 + "n3" + "b" * 30)
        assert seen[-1] == ("3", "a" * 23 + "n", "b" * 24)

    def test_credentials_keep_their_at_sign_and_names_lose_their_spaces(self) -> None:
        shapes = (Shape("credentials", "u:p@?"), Shape("s", r"(?:k[=:：]|k)\s+(?P<value>\w)"))
        screen = Screen(shapes, re.compile(""))
        assert screen.apply("u:p@h u:p") == "<credentials>@h <credentials>"
        assert screen.apply("k=  a k:  b k：  c k  d") == "k=<s> k:<s> k：<s> k  <s>"


def test_known_secrets_are_masked_whole_and_from_six_characters_on() -> None:
    redactor = Redactor(secrets=("abcdef", "abcdefghij", "short"))
    assert redactor.redact_text("abcdefghij abcdef short") == "<secret> <secret> short"
    raw = b"corr/ect hor"
    known = Redactor(secrets=(raw.decode(),))
    assert known.redact_text("a corr%2Fect%20hor b corr/ect%20hor c") == "a <secret> b <secret> c"
    for offset, end in ((0, 16), (1, 16), (2, 16)):
        encoded = base64.b64encode(b"-" * offset + raw + b"-----").decode()
        begin = 4 if offset else 0
        assert known.redact_text(encoded) == f"{encoded[:begin]}<secret>{encoded[end:]}"


def test_the_memory_of_strings_has_an_end() -> None:
    redactor = Redactor()
    for number in range(5_000):
        redactor.redact_text(f"row {number}")
    assert redactor._remember.cache_info().currsize == 4_096


def test_network_addresses_are_hidden_between_chinese_characters_and_at_the_end_of_a_sentence() -> None:
    redactor = Redactor(hide_addresses=True)
    for text in ("连接10.1.2.3失败", "no route to 10.1.2.3.", "连接fd00::7:1失败", "连接db.internal:5432失败"):
        assert re.search(r"\d", redactor.redact_text(text)) is None, text
    assert redactor.redact_text("version 1.2.3.4.5") == "version 1.2.3.4.5"


def test_values_are_cut_at_a_thousand_characters() -> None:
    assert Redactor().redact_text("y" * 1000) == "y" * 1000
    assert Redactor().redact_text("y" * 1001) == "y" * 1000 + "<cut 1>"
    assert Redactor().redact_text("y" * 11, 10) == "y" * 10 + "<cut 1>"


def test_nothing_said_is_nothing_masked() -> None:
    event = {"password": None, "token": True, "secret": False, "body": ["x"], "text": None}
    assert Redactor().redact_event(event) == {**event, "body": "<content>"}


def test_depth_and_width_end_where_they_are_said_to() -> None:
    def nest(depth: int, inside: object) -> object:
        return inside if depth == 0 else [nest(depth - 1, inside)]

    assert Redactor().redact(nest(6, 1)) == nest(6, 1)
    assert Redactor().redact(nest(7, 1)) == nest(6, "<deep>")
    assert Redactor().redact_event({"x": nest(6, 1), "y": nest(7, 1)}) == {"x": nest(6, 1), "y": nest(6, "<deep>")}
    wide = Redactor().redact({str(number): number for number in range(101)})
    assert wide == {str(number): number for number in range(100)}
    assert Redactor().redact(tuple(range(101))) == list(range(100))


def test_our_fields_may_have_64_characters() -> None:
    own = "token=" + "a" * 58
    assert Redactor().redact_event({"kind": own, "code": own + "a"}) == {"kind": own, "code": "token=<secret>"}


def test_exceptions_among_the_values_say_their_kind_and_their_words() -> None:
    assert Redactor().redact([ValueError("token=abc"), KeyError]) == ["ValueError: token=<secret>", "<type>"]
