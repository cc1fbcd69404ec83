//! The configurations, in which `LISTEN`, `ORIGIN`, their ports and `FOLDER` are filled in.

use super::{Intermediary, Way};

/// What nginx needs to run in a folder of its own, around the lines of one location.
macro_rules! nginx {
    ($($line:literal),*) => {
        &[("nginx.conf", concat!(
            "pid FOLDER/nginx.pid;\nerror_log stderr;\nevents {}\nhttp {\n  access_log off;\n",
            "  client_body_temp_path FOLDER/body;\n  proxy_temp_path FOLDER/proxy;\n",
            "  fastcgi_temp_path FOLDER/fastcgi;\n  uwsgi_temp_path FOLDER/uwsgi;\n  scgi_temp_path FOLDER/scgi;\n",
            "  server {\n    listen LISTEN;\n    location / {\n      proxy_pass http://ORIGIN;\nMORE\n",
            $("      ", $line, ";\n",)*
            "    }\n  }\n}\n",
        ))]
    };
}

/// The defaults that Debian's package comes with, and lines besides.
macro_rules! haproxy {
    ($($line:literal),*) => { haproxy!(@ "", $($line),*) };
    (@ $global:literal, $($line:literal),*) => {
        &[("haproxy.cfg", concat!(
            $global, "defaults\n  mode http\n  timeout connect 5000\n  timeout client 50000\n  timeout server 50000\nMORE\n",
            $("  ", $line, "\n",)*
            "frontend public\n  bind LISTEN\n  default_backend server\nbackend server\n  server server ORIGIN\n",
        ))]
    };
}

const fn nginx(name: &'static str, files: &'static [(&'static str, &'static str)]) -> Intermediary {
    let arguments = &["-p", "FOLDER", "-c", "FOLDER/nginx.conf", "-e", "stderr", "-g", "daemon off;"];
    Intermediary { name, program: "nginx", way: Way::Reverse, arguments, anew: None, files }
}

pub(crate) const fn haproxy(name: &'static str, files: &'static [(&'static str, &'static str)]) -> Intermediary {
    let arguments = &["-db", "-f", "FOLDER/haproxy.cfg"];
    Intermediary { name, program: "haproxy", way: Way::Reverse, arguments, anew: None, files }
}

const fn squid(name: &'static str, way: Way, files: &'static [(&'static str, &'static str)]) -> Intermediary {
    Intermediary { name, program: "squid", way, arguments: &["-N", "-f", "FOLDER/squid.conf"], anew: None, files }
}

/// A configuration with `lines` where it has `MORE`, and without its own lines of the same names.
pub(super) fn amended(text: &str, lines: &[String]) -> String {
    let name = |line: &str| line.trim().split_once(' ').map(|(name, _)| name.to_owned());
    let is_replaced = |line: &&str| name(line).is_some() && lines.iter().any(|other| name(other) == name(line));
    let own = text.lines().filter(|line| !is_replaced(line));
    own.map(|line| if line == "MORE" { lines.join("\n") } else { line.to_owned() } + "\n").collect()
}

/// Each proxy in each configuration.
pub const ALL: [Intermediary; 14] = [
    nginx("nginx", nginx!()),
    nginx("nginx, HTTP/1.1", nginx!("proxy_http_version 1.1")),
    nginx("nginx, unbuffered", nginx!("proxy_http_version 1.1", "proxy_buffering off", "proxy_request_buffering off")),
    nginx(
        "nginx, unbuffered, unlimited",
        nginx!(
            "proxy_http_version 1.1",
            "proxy_buffering off",
            "proxy_request_buffering off",
            "client_max_body_size 0"
        ),
    ),
    nginx("nginx, 64 KiB bodies", nginx!("client_max_body_size 64k")),
    nginx(
        "nginx, unbuffered, 64 KiB bodies",
        nginx!(
            "proxy_http_version 1.1",
            "proxy_buffering off",
            "proxy_request_buffering off",
            "client_max_body_size 64k"
        ),
    ),
    nginx(
        "nginx, buffering whatever is asked",
        nginx!("proxy_http_version 1.1", "proxy_ignore_headers X-Accel-Buffering"),
    ),
    haproxy("HAProxy", haproxy!()),
    haproxy("HAProxy, no delay", haproxy!("option http-no-delay")),
    Intermediary {
        name: "Apache",
        program: "apache2",
        way: Way::Reverse,
        arguments: &["-D", "FOREGROUND", "-f", "FOLDER/apache2.conf"],
        anew: None,
        files: &[("apache2.conf", APACHE)],
    },
    Intermediary {
        name: "Caddy",
        program: "caddy",
        way: Way::Reverse,
        arguments: &["run", "--adapter", "caddyfile", "--config", "FOLDER/Caddyfile"],
        anew: None,
        files: &[("Caddyfile", CADDY)],
    },
    Intermediary {
        name: "Varnish",
        program: "varnishd",
        way: Way::Reverse,
        // Without a jail it keeps the rights that it was started with, so its folder is its own.
        arguments: &["-F", "-j", "none", "-n", "FOLDER/varnish", "-a", "LISTEN", "-b", "ORIGIN"],
        anew: None,
        files: &[],
    },
    squid("Squid, forward", Way::Forward, &[("squid.conf", SQUID_FORWARD)]),
    squid("Squid, reverse", Way::Reverse, &[("squid.conf", SQUID_REVERSE)]),
];

/// Those that start anew twice a second while they are tried, and give what they have 0.5 s to end: every request is cut
/// after 1 s at the latest.
pub const CUTTING: [Intermediary; 2] = [
    Intermediary {
        name: "nginx, cutting",
        program: "nginx",
        way: Way::Reverse,
        arguments: &[
            "-p",
            "FOLDER",
            "-c",
            "FOLDER/nginx.conf",
            "-e",
            "stderr",
            "-g",
            "daemon off; worker_shutdown_timeout 500ms;",
        ],
        anew: Some("HUP"),
        files: nginx!(
            "proxy_http_version 1.1",
            "proxy_buffering off",
            "proxy_request_buffering off",
            "client_max_body_size 0"
        ),
    },
    Intermediary {
        name: "HAProxy, cutting",
        program: "haproxy",
        way: Way::Reverse,
        arguments: &["-W", "-db", "-f", "FOLDER/haproxy.cfg"],
        anew: Some("USR2"),
        files: haproxy!(@ "global\n  hard-stop-after 500ms\n", "option http-no-delay"),
    },
];

/// The modules and the request timeouts that are enabled in Debian's package.
const APACHE: &str = "\
ServerRoot FOLDER
ServerName localhost
PidFile FOLDER/apache2.pid
DefaultRuntimeDir FOLDER
ErrorLog /dev/stderr
Listen LISTEN
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule reqtimeout_module /usr/lib/apache2/modules/mod_reqtimeout.so
LoadModule env_module /usr/lib/apache2/modules/mod_env.so
LoadModule proxy_module /usr/lib/apache2/modules/mod_proxy.so
LoadModule proxy_http_module /usr/lib/apache2/modules/mod_proxy_http.so
User www-data
Group www-data
RequestReadTimeout header=20-40,minrate=500
RequestReadTimeout body=10,minrate=500
ProxyPass / http://ORIGIN/
MORE
";

const CADDY: &str = "\
{
    admin off
    auto_https off
}
http://:LISTEN_PORT {
    bind 127.0.0.1
    reverse_proxy ORIGIN
}
";

const SQUID_FORWARD: &str = "\
http_port LISTEN
http_access allow localhost
http_access deny all
pid_filename FOLDER/squid.pid
coredump_dir FOLDER
cache_log FOLDER/cache.log
access_log none
pinger_enable off
shutdown_lifetime 0 seconds
";

const SQUID_REVERSE: &str = "\
http_port LISTEN accel defaultsite=LISTEN
cache_peer 127.0.0.1 parent ORIGIN_PORT 0 no-query originserver
http_access allow localhost
http_access deny all
pid_filename FOLDER/squid.pid
coredump_dir FOLDER
cache_log FOLDER/cache.log
access_log none
pinger_enable off
shutdown_lifetime 0 seconds
";
