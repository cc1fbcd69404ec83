//! The lines for proxies that lie in `dist/proxies`, as files of real ones. Around them stands only what lets a proxy run in a
//! folder of its own, or what its package comes with.

use super::{Intermediary, Way};

/// The proxies that lines are shipped for.
pub const SHIPPED: [Intermediary; 5] = [
    Intermediary {
        name: "nginx",
        program: "nginx",
        way: Way::Reverse,
        arguments: &["-p", "FOLDER", "-c", "FOLDER/nginx.conf", "-e", "stderr", "-g", "daemon off;"],
        anew: None,
        files: &[("nginx.conf", NGINX), ("sendit.conf", include_str!("../../../../dist/proxies/nginx.conf"))],
    },
    Intermediary {
        name: "Caddy",
        program: "caddy",
        way: Way::Reverse,
        arguments: &["run", "--adapter", "caddyfile", "--config", "FOLDER/Caddyfile"],
        anew: None,
        files: &[("Caddyfile", CADDY), ("sendit", include_str!("../../../../dist/proxies/Caddyfile"))],
    },
    Intermediary {
        name: "HAProxy",
        program: "haproxy",
        way: Way::Reverse,
        arguments: &["-db", "-f", "FOLDER/haproxy.cfg", "-f", "FOLDER/sendit.cfg"],
        anew: None,
        files: &[("haproxy.cfg", HAPROXY), ("sendit.cfg", include_str!("../../../../dist/proxies/haproxy.cfg"))],
    },
    Intermediary {
        name: "Apache",
        program: "apache2",
        way: Way::Reverse,
        arguments: &["-D", "FOREGROUND", "-f", "FOLDER/apache2.conf"],
        anew: None,
        files: &[("apache2.conf", APACHE), ("sendit.conf", include_str!("../../../../dist/proxies/apache.conf"))],
    },
    Intermediary {
        name: "Traefik",
        program: "traefik",
        way: Way::Reverse,
        arguments: &["--configFile=FOLDER/traefik.yml"],
        anew: None,
        files: &[
            ("traefik.yml", include_str!("../../../../dist/proxies/traefik.yml")),
            ("sendit.yml", include_str!("../../../../dist/proxies/traefik-sendit.yml")),
        ],
    },
];

const NGINX: &str = "\
pid FOLDER/nginx.pid;
error_log stderr;
events {}
http {
  access_log off;
  client_body_temp_path FOLDER/body;
  proxy_temp_path FOLDER/proxy;
  fastcgi_temp_path FOLDER/fastcgi;
  uwsgi_temp_path FOLDER/uwsgi;
  scgi_temp_path FOLDER/scgi;
  include FOLDER/sendit.conf;
}
";

const CADDY: &str = "\
{
    admin off
    auto_https disable_redirects
}
import sendit
";

const HAPROXY: &str = "\
defaults
  mode http
  timeout connect 5000
  timeout client 50000
  timeout server 50000
";

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
LoadModule socache_shmcb_module /usr/lib/apache2/modules/mod_socache_shmcb.so
LoadModule ssl_module /usr/lib/apache2/modules/mod_ssl.so
LoadModule headers_module /usr/lib/apache2/modules/mod_headers.so
LoadModule proxy_module /usr/lib/apache2/modules/mod_proxy.so
LoadModule proxy_http_module /usr/lib/apache2/modules/mod_proxy_http.so
User www-data
Group www-data
RequestReadTimeout header=20-40,minrate=500
RequestReadTimeout body=10,minrate=500
Include FOLDER/sendit.conf
";
