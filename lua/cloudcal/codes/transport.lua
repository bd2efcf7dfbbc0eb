-- How an exchange can end without an answer: libcurl's numbers as far as HTTPS can meet them,
-- with libcurl's names in full words, and from 1001 on our own.
-- `sent = false`: it ends like this only before a byte of the request has left. Number 1 is not
-- among them: libcurl gives it to an answer that is not HTTP, long after the request has left.
return {
    [1] = {
        name = "unsupported_protocol", kind = "bad_response",
        hint = "The other side answered in something else than HTTP. Check that host and port of "
            .. "base_url are the service's.",
        hint_zh = "对方返回的不是 HTTP 响应。请确认 base_url 的主机与端口属于该服务。",
    },
    [2] = {
        name = "failed_init", kind = "out_of_memory", sent = false,
        hint = "libcurl could not set itself up. Look at the memory and the open files of this "
            .. "process.",
        hint_zh = "libcurl 初始化失败。请检查本进程的内存与打开的文件数。",
    },
    [3] = {
        name = "url_malformat", kind = "invalid_request", sent = false,
        hint = "The address cannot be read as a URL. Check base_url, proxy and path.",
        hint_zh = "地址不是有效的 URL。请检查 base_url、proxy 与路径。",
    },
    [4] = {
        name = "not_built_in", kind = "invalid_request", sent = false,
        hint = "This libcurl was built without a feature that an option asks for. Install a "
            .. "complete build, or drop the option.",
        hint_zh = "当前 libcurl 编译时未包含所需功能。请安装完整版本，或去掉相应选项。",
    },
    [5] = {
        name = "could_not_resolve_proxy", kind = "network", sent = false,
        hint = "The name of the proxy is not known. Check `proxy` and the DNS of this machine.",
        hint_zh = "无法解析代理的主机名。请检查 proxy 与本机 DNS。",
    },
    [6] = {
        name = "could_not_resolve_host", kind = "network", sent = false,
        hint = "The host name is not known here. Check base_url, the network and the DNS of this "
            .. "machine.",
        hint_zh = "无法解析主机名。请检查 base_url、网络与本机 DNS。",
    },
    [7] = {
        name = "could_not_connect", kind = "network", sent = false,
        hint = "Nothing accepts the connection. Check host, port, firewall and proxy.",
        hint_zh = "无法建立连接。请检查主机、端口、防火墙与代理。",
    },
    [8] = {
        name = "weird_server_reply", kind = "bad_response",
        hint = "The answer breaks the rules of HTTP. Check the proxies between, and that base_url "
            .. "leads to the service.",
        hint_zh = "响应不符合 HTTP 规范。请检查中间代理，并确认 base_url 指向该服务。",
    },
    [16] = {
        name = "http2", kind = "network",
        hint = "HTTP/2 broke down on this connection. Try again, or set http_version = \"1.1\".",
        hint_zh = "该连接上的 HTTP/2 通信出错。请重试，或设置 http_version = \"1.1\"。",
    },
    [18] = {
        name = "partial_file", kind = "network",
        hint = "The connection ended before the whole answer was here. Unless it is `retryable`, "
            .. "find out what the service did before you repeat it.",
        hint_zh = "响应未传完连接就断开。若 retryable 为 false，重新调用前请先确认服务端的处理结果。",
    },
    [23] = {
        name = "write_error", kind = "out_of_memory",
        hint = "The answer could not be stored. Look at the memory of this process.",
        hint_zh = "无法保存响应。请检查本进程的内存。",
    },
    [26] = {
        name = "read_error", kind = "network",
        hint = "The request body could not be read to its end. See `acted` before you send it "
            .. "anew.",
        hint_zh = "请求体未能完整读取。重新发起调用前请查看 acted。",
    },
    [27] = {
        name = "out_of_memory", kind = "out_of_memory",
        hint = "Memory ran out during the exchange. Give the process more, or run fewer calls at "
            .. "once.",
        hint_zh = "通信过程中内存不足。请增加可用内存或减少并发调用。",
    },
    [28] = {
        name = "operation_timed_out", kind = "timeout",
        hint = "No complete answer came in time. Check the network, or raise `timeout` or "
            .. "`connect_timeout`.",
        hint_zh = "未在时限内收到完整响应。请检查网络，或调大 timeout、connect_timeout。",
    },
    [35] = {
        name = "ssl_connect_error", kind = "tls", sent = false,
        hint = "The TLS handshake failed. Check that the port speaks TLS and that no device "
            .. "between changes the traffic.",
        hint_zh = "TLS 握手失败。请确认该端口使用 TLS，且中间设备未改动流量。",
    },
    [42] = {
        name = "aborted_by_callback", kind = "cancelled",
        hint = "The call was cancelled on its way. See `acted` before you make it again.",
        hint_zh = "调用在进行中被取消。重新调用前请查看 acted。",
    },
    [43] = {
        name = "bad_function_argument", kind = "network",
        hint = "The socket failed, which may happen when another part of the program closes its "
            .. "descriptor. Try again.",
        hint_zh = "套接字出错，可能是程序的其他部分关闭了该描述符。请重试。",
    },
    [48] = {
        name = "unknown_option", kind = "invalid_request", sent = false,
        hint = "This libcurl does not know an option that the call needs. Install libcurl 7.88 or "
            .. "later.",
        hint_zh = "当前 libcurl 不支持所需选项。请安装 7.88 或更高版本。",
    },
    [49] = {
        name = "setopt_option_syntax", kind = "invalid_request", sent = false,
        hint = "libcurl refused the value of an option. Check proxy, no_proxy and the other "
            .. "connection options.",
        hint_zh = "libcurl 拒绝了某个选项的值。请检查 proxy、no_proxy 等连接选项。",
    },
    [52] = {
        name = "got_nothing", kind = "network",
        hint = "The server closed the connection without an answer. Unless it is `retryable`, "
            .. "find out what it did before you repeat it.",
        hint_zh = "服务端未作响应即关闭连接。若 retryable 为 false，重新调用前请先确认其处理结果。",
    },
    [53] = {
        name = "ssl_engine_notfound", kind = "tls", sent = false,
        hint = "The TLS engine that OpenSSL is set up for is not there. Check the OpenSSL "
            .. "configuration of this machine.",
        hint_zh = "找不到 OpenSSL 配置的加密引擎。请检查本机的 OpenSSL 配置。",
    },
    [54] = {
        name = "ssl_engine_setfailed", kind = "tls", sent = false,
        hint = "The TLS engine of OpenSSL could not be selected. Check the OpenSSL configuration "
            .. "of this machine.",
        hint_zh = "无法选用 OpenSSL 的加密引擎。请检查本机的 OpenSSL 配置。",
    },
    [55] = {
        name = "send_error", kind = "network",
        hint = "The connection broke while the request was being sent. Part of it may have "
            .. "arrived; look before you repeat it.",
        hint_zh = "发送请求时连接中断，部分内容可能已到达。重新调用前请先确认。",
    },
    [56] = {
        name = "recv_error", kind = "network",
        hint = "The connection broke before the answer was complete. Unless it is `retryable`, "
            .. "find out what the service did before you repeat it.",
        hint_zh = "接收响应时连接中断。若 retryable 为 false，重新调用前请先确认服务端的处理结果。",
    },
    [58] = {
        name = "ssl_certproblem", kind = "tls", sent = false,
        hint = "The local certificate cannot be used. Check the file and its rights.",
        hint_zh = "本地证书不可用。请检查该文件及其权限。",
    },
    [59] = {
        name = "ssl_cipher", kind = "tls", sent = false,
        hint = "Both sides share no cipher. Check the TLS policy of this machine, or update "
            .. "OpenSSL.",
        hint_zh = "双方没有共同的加密套件。请检查本机的 TLS 策略，或更新 OpenSSL。",
    },
    [60] = {
        name = "peer_failed_verification", kind = "tls", sent = false,
        hint = "The server's certificate is not trusted here. Update the system's CA store, or "
            .. "name your own CA with ca_file; check the clock too.",
        hint_zh = "服务端证书不受信任。请更新系统 CA 证书库，或用 ca_file 指定自有 CA，"
            .. "并核对本机时间。",
    },
    [61] = {
        name = "bad_content_encoding", kind = "bad_response",
        hint = "The answer is compressed in a way that cannot be read. A proxy may have changed "
            .. "it.",
        hint_zh = "响应的压缩编码无法识别，可能被代理改动。",
    },
    [63] = {
        name = "filesize_exceeded", kind = "too_large",
        hint = "The answer is larger than allowed. Raise max_response_bytes if that is expected.",
        hint_zh = "响应超过大小限制。若属预期，请调大 max_response_bytes。",
    },
    [65] = {
        name = "send_fail_rewind", kind = "network",
        hint = "A reused connection died while the request was on it. It is not sent twice "
            .. "without being told; the service may have seen it.",
        hint_zh = "复用的连接在发送时断开。为避免重复执行，未自动重发；服务端可能已收到请求。",
    },
    [66] = {
        name = "ssl_engine_initfailed", kind = "tls", sent = false,
        hint = "The TLS engine of OpenSSL did not start. Check the OpenSSL configuration of this "
            .. "machine.",
        hint_zh = "OpenSSL 的加密引擎启动失败。请检查本机的 OpenSSL 配置。",
    },
    [77] = {
        name = "ssl_cacert_badfile", kind = "tls", sent = false,
        hint = "The CA certificates could not be read. Check ca_file or ca_pem and, in a chroot, "
            .. "that the file is visible there.",
        hint_zh = "无法读取 CA 证书。请检查 ca_file 或 ca_pem；在 chroot 环境中请确认该文件可见。",
    },
    [82] = {
        name = "ssl_crl_badfile", kind = "tls", sent = false,
        hint = "The list of revoked certificates could not be read. Check the file and its rights.",
        hint_zh = "无法读取证书吊销列表。请检查该文件及其权限。",
    },
    [83] = {
        name = "ssl_issuer_error", kind = "tls", sent = false,
        hint = "The server's certificate has another issuer than required. Check base_url and "
            .. "ca_file.",
        hint_zh = "服务端证书的颁发者不符合要求。请检查 base_url 与 ca_file。",
    },
    [89] = {
        name = "no_connection_available", kind = "network", sent = false,
        hint = "All connections are in use. Try again, or raise max_connections.",
        hint_zh = "所有连接均在使用中。请重试，或调大 max_connections。",
    },
    [90] = {
        name = "ssl_pinnedpubkeynotmatch", kind = "tls", sent = false,
        hint = "The server shows another key than the one that is pinned. Make sure that you "
            .. "reach the right host.",
        hint_zh = "服务端公钥与预设不一致。请确认连接的是正确的主机。",
    },
    [91] = {
        name = "ssl_invalidcertstatus", kind = "tls", sent = false,
        hint = "The server's certificate was revoked or its state cannot be proven. Check the "
            .. "clock and the network path.",
        hint_zh = "服务端证书已被吊销或状态无法确认。请核对本机时间与网络路径。",
    },
    [92] = {
        name = "http2_stream", kind = "network",
        hint = "The server or a proxy ended this HTTP/2 stream. Try again, or set http_version = "
            .. "\"1.1\".",
        hint_zh = "服务端或代理中断了该 HTTP/2 流。请重试，或设置 http_version = \"1.1\"。",
    },
    [97] = {
        name = "proxy", kind = "network", sent = false,
        hint = "The proxy refused to pass the connection on. Check its address, its credentials "
            .. "and its rules.",
        hint_zh = "代理拒绝转发连接。请检查代理地址、凭证与规则。",
    },
    [98] = {
        name = "ssl_clientcert", kind = "tls", sent = false,
        hint = "The server asks for a client certificate, which these services never do. Check "
            .. "base_url and proxy.",
        hint_zh = "服务端要求客户端证书，而这些服务并不需要。请检查 base_url 与 proxy。",
    },
    [99] = {
        name = "unrecoverable_poll", kind = "network",
        hint = "Waiting on the sockets failed. Look at the open files of this process.",
        hint_zh = "等待套接字时出错。请检查本进程打开的文件数。",
    },
    [100] = {
        name = "too_large", kind = "too_large",
        hint = "A part of the request or of the answer is larger than libcurl takes. Make it "
            .. "shorter.",
        hint_zh = "请求或响应的某部分超过 libcurl 的上限。请缩短内容。",
    },

    -- Ours: what libcurl lets pass, or cannot tell apart.
    [1001] = {
        name = "body_too_large", kind = "too_large",
        hint = "The answer's body is larger than max_response_bytes. Raise it, or ask for less.",
        hint_zh = "响应体超过 max_response_bytes。请调大该值，或减少请求的数据量。",
    },
    [1002] = {
        name = "headers_too_large", kind = "too_large",
        hint = "The answer's headers are larger than any service sends. Check base_url and the "
            .. "proxies between.",
        hint_zh = "响应头大小异常。请检查 base_url 与中间代理。",
    },
    [1003] = {
        name = "headers_cut", kind = "network",
        hint = "The connection ended inside the answer's headers. Unless it is `retryable`, "
            .. "find out what the service did before you repeat it.",
        hint_zh = "响应头未传完连接就断开。若 retryable 为 false，重新调用前请先确认服务端的处理结果。",
    },
    [1004] = {
        name = "body_without_end", kind = "network",
        hint = "Nothing marks the end of the answer, so it may be cut. Look for a proxy that "
            .. "removes Content-Length.",
        hint_zh = "响应没有结束标记，可能不完整。请检查是否有代理移除了 Content-Length。",
    },
    [1005] = {
        name = "conflicting_lengths", kind = "bad_response",
        hint = "The answer states two lengths, and neither can be trusted. Check the proxies "
            .. "between.",
        hint_zh = "响应声明了相互矛盾的长度，内容不可信。请检查中间代理。",
    },
    [1006] = {
        name = "handshake_cut", kind = "network", sent = false,
        hint = "The connection ended in the TLS handshake. Try again; if it stays, look at "
            .. "firewall and proxy.",
        hint_zh = "TLS 握手时连接中断。请重试；若持续出现，请检查防火墙与代理。",
    },
    [1007] = {
        name = "lost_in_fork", kind = "cancelled",
        hint = "The process forked while this call was under way; the parent still has it. Make "
            .. "the call in the child anew, or fork earlier.",
        hint_zh = "调用进行中进程发生了 fork，该调用仍属于父进程。请在子进程中重新调用，"
            .. "或提前 fork。",
    },
}
