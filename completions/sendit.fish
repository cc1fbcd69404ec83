function __fish_sendit_using_command
    set -l cmd (commandline -opc)
    set -e cmd[1]
    set -l target_cmd $argv

    set -l known_value_flags 'access-log' 'addr' 'admin' 'admin-token-file' 'allow-ip' 'basic-auth' 'basic-auth-file' 'config' 'expect' 'grace' 'hold' 'host-header' 'http-prefix' 'id' 'inspect' 'limit' 'log' 'log-format' 'longest' 'max-connections' 'max-connections-per-address' 'max-exchanges' 'max-exchanges-per-session' 'max-exchanges-per-token' 'max-failed-opens' 'max-held-per-session' 'max-hold' 'max-replay' 'max-sessions' 'max-sessions-per-token' 'max-ttl' 'method' 'path' 'path-var' 'port' 'port-var' 'prefix' 'prefix-var' 'public-url' 'ready-within' 'revoked-file' 'secret' 'secret-file' 'server' 'status' 'subject' 'target-timeout' 'text' 'to' 'token' 'token-file' 'trusted-proxy' 'ttl' 'url-file' 'url-var' 'webhook-secret' 'wire' 

    set -l i 1
    set -l cleaned_cmd
    while test $i -le (count $cmd)
        set -l arg $cmd[$i]
        if string match -q -- "-*" $arg
            set -l pure_flag (string replace -r '^--?' '' -- $arg)
            if contains -- $pure_flag $known_value_flags
                set -l next_i (math $i + 1)
                if test $next_i -le (count $cmd)
                    if not string match -q -- "-*" $cmd[$next_i]
                        set i $next_i
                    end
                end
            end
        else
            set -a cleaned_cmd $arg
        end
        set i (math $i + 1)
    end

    set -l count_cleaned (count $cleaned_cmd)
    set -l count_target (count $target_cmd)
    
    if test $count_cleaned -ne $count_target
        return 1
    end
    
    for i in (seq $count_target)
        if test $cleaned_cmd[$i] != $target_cmd[$i]
            return 1
        end
    end
    
    return 0
end

complete -c sendit -n '__fish_sendit_using_command' -f -l version -d 'print the version'
complete -c sendit -n '__fish_sendit_using_command' -f -l help -d 'display usage information'
complete -c sendit -n '__fish_sendit_using_command' -f -a 'serve' -d 'Runs the public end, to which clients connect and which visitors call.'
complete -c sendit -n '__fish_sendit_using_command' -f -a 'connect' -d 'Makes a local service reachable at a public URL, as long as it runs.'
complete -c sendit -n '__fish_sendit_using_command' -f -a 'start' -d 'Opens tunnels that the configuration file has, in one process.'
complete -c sendit -n '__fish_sendit_using_command' -f -a 'run' -d 'Runs a program with its public URL in its environment, and a tunnel to it as long as it runs.'
complete -c sendit -n '__fish_sendit_using_command' -f -a 'config' -d 'Says whether the configuration file is right, and what it has.'
complete -c sendit -n '__fish_sendit_using_command' -f -a 'doctor' -d 'Measures the way to a server, and says what would make a tunnel faster.'
complete -c sendit -n '__fish_sendit_using_command' -f -a 'sessions' -d 'Lists the sessions of a running server, the oldest first, or ends one.'
complete -c sendit -n '__fish_sendit_using_command' -f -a 'requests' -d 'Lists what has passed through a running client, the newest last.'
complete -c sendit -n '__fish_sendit_using_command' -f -a 'replay' -d 'Sends a request that has passed through a running client to the target again.'
complete -c sendit -n '__fish_sendit_using_command' -f -a 'record' -d 'Writes what has passed through a running client into files that belong into git.'
complete -c sendit -n '__fish_sendit_using_command' -f -a 'play' -d 'Sends requests that `sendit record` has written to a service, in their order, and looks at the answers.'
complete -c sendit -n '__fish_sendit_using_command' -f -a 'token' -d 'Prints a token that lets its holder open tunnels.'
complete -c sendit -n '__fish_sendit_using_command' -f -a 'demo' -d 'Shows a tunnel at work: a server, a client, and a page to look at.'
complete -c sendit -n '__fish_sendit_using_command' -f -a 'install-links' -d 'Makes the links `sendit-server` and `sendit-token`, for scripts written for the Go tools.'
complete -c sendit -n '__fish_sendit_using_command serve' -f -l config -rF -d 'configuration file, whose table `[serve]` is read (default: sendit.toml in this folder, else in the user\'s configuration folder)'
complete -c sendit -n '__fish_sendit_using_command serve' -f -l addr -r -d 'address to listen on, `:PORT` for every interface (default: 127.0.0.1:5050)'
complete -c sendit -n '__fish_sendit_using_command serve' -f -l secret -r -d 'secret that clients\' tokens are signed with; can be repeated: the first signs, all verify'
complete -c sendit -n '__fish_sendit_using_command serve' -f -l secret-file -rF -d 'file that holds such a secret; can be repeated'
complete -c sendit -n '__fish_sendit_using_command serve' -f -l revoked-file -rF -d 'list of tokens that are good no more; read again when it changes, as files of secrets are'
complete -c sendit -n '__fish_sendit_using_command serve' -f -l http-prefix -r -d 'path below which the server lives, where a reverse proxy gives it only a part of a site'
complete -c sendit -n '__fish_sendit_using_command serve' -f -l https-redir -d 'send visitors who came over plain HTTP, as X-Forwarded-Proto says, to https'
complete -c sendit -n '__fish_sendit_using_command serve' -f -l admin -r -d 'address of health, metrics and sessions, for whoever runs the server (default: none)'
complete -c sendit -n '__fish_sendit_using_command serve' -f -l admin-token-file -rF -d 'file that holds the token which whoever asks for metrics and sessions there has to show'
complete -c sendit -n '__fish_sendit_using_command serve' -f -l insecure -d 'do without a secret on any address'
complete -c sendit -n '__fish_sendit_using_command serve' -f -l public-url -r -d 'address that visitors use; redirects then never leave it'
complete -c sendit -n '__fish_sendit_using_command serve' -f -l grace -r -d 'how long a prefix is kept for a client that is gone, such as 30s or 5m (default: 60s)'
complete -c sendit -n '__fish_sendit_using_command serve' -f -l max-hold -r -d 'longest that a client may have its visitors wait for it (default: 60s)'
complete -c sendit -n '__fish_sendit_using_command serve' -f -l trusted-proxy -r -d 'addresses of proxies whose X-Forwarded headers are believed, or none; can be repeated (default: loopback)'
complete -c sendit -n '__fish_sendit_using_command serve' -f -l ready-within -r -d 'how long the client of a new session may take to bring its first carrier (default: 15s)'
complete -c sendit -n '__fish_sendit_using_command serve' -f -l max-connections -r -d 'how many connections there may be at a time (default: 16384, or what the system\'s descriptors allow)'
complete -c sendit -n '__fish_sendit_using_command serve' -f -l max-connections-per-address -r -d 'how many of them from one address, unless it is a trusted proxy\'s (default: 1024)'
complete -c sendit -n '__fish_sendit_using_command serve' -f -l max-sessions -r -d 'how many sessions there may be at a time (default: 1000)'
complete -c sendit -n '__fish_sendit_using_command serve' -f -l max-sessions-per-token -r -d 'how many of them with one token, or with all tokens of one subject (default: 16)'
complete -c sendit -n '__fish_sendit_using_command serve' -f -l max-exchanges -r -d 'how many exchanges there may be at a time, visitors that wait included (default: 10000)'
complete -c sendit -n '__fish_sendit_using_command serve' -f -l max-exchanges-per-session -r -d 'how many of them in one session (default: 256)'
complete -c sendit -n '__fish_sendit_using_command serve' -f -l max-exchanges-per-token -r -d 'how many of them with one token, or with all tokens of one subject (default: 2500)'
complete -c sendit -n '__fish_sendit_using_command serve' -f -l max-held-per-session -r -d 'how many visitors may wait for one session (default: 64)'
complete -c sendit -n '__fish_sendit_using_command serve' -f -l max-failed-opens -r -d 'how many wrong tokens an address may send in a minute before it is told to wait (default: 10)'
complete -c sendit -n '__fish_sendit_using_command serve' -f -l max-replay -r -d 'how many MiB may be kept for all clients together until they acknowledge them (default: 256)'
complete -c sendit -n '__fish_sendit_using_command serve' -f -l target-timeout -r -d 'how long a target may take to answer, such as 30s or 5m (default: as long as it likes)'
complete -c sendit -n '__fish_sendit_using_command serve' -f -l log -x -a 'error warn info debug trace' -d 'how much is logged: error, warn, info, debug or trace (default: info)'
complete -c sendit -n '__fish_sendit_using_command serve' -f -l log-format -x -a 'text json' -d 'what the log looks like: text for people, or json (default: text)'
complete -c sendit -n '__fish_sendit_using_command serve' -f -l access-log -x -a 'path query off' -d 'how each exchange is logged: with its path, with its query too, which may hold secrets, or off (default: path)'
complete -c sendit -n '__fish_sendit_using_command serve' -f -l help -d 'display usage information'
complete -c sendit -n '__fish_sendit_using_command connect' -l token -r -d 'token that the server asks for, as `sendit token` prints it'
complete -c sendit -n '__fish_sendit_using_command connect' -l token-file -rF -d 'file that holds the token'
complete -c sendit -n '__fish_sendit_using_command connect' -l config -rF -d 'configuration file (default: sendit.toml in this folder, else in the user\'s configuration folder)'
complete -c sendit -n '__fish_sendit_using_command connect' -l server -r -d 'URL of the server, where no SOURCE says it'
complete -c sendit -n '__fish_sendit_using_command connect' -l prefix -r -d 'prefix of the tunnel, where no SOURCE says it (default: the name of this folder, or of a tunnel in the file)'
complete -c sendit -n '__fish_sendit_using_command connect' -l max-ttl -r -d 'longest life of a request to the server before it is renewed, such as 15s or 1m30s; less than what proxies on the way allow (default: 10s)'
complete -c sendit -n '__fish_sendit_using_command connect' -l wire -x -a 'auto v1 v2' -d 'wire to speak with the server: auto, v1 or v2 (default: auto)'
complete -c sendit -n '__fish_sendit_using_command connect' -l target-insecure -d 'take any certificate that an https DESTINATION shows'
complete -c sendit -n '__fish_sendit_using_command connect' -l host-header -x -a 'keep target' -d 'host that the service is told: keep for the visitor\'s word, target for DESTINATION\'s, or another (default: keep)'
complete -c sendit -n '__fish_sendit_using_command connect' -l strip-prefix -d 'take the path of SOURCE off before the service sees it, and put it back into redirects and cookies'
complete -c sendit -n '__fish_sendit_using_command connect' -l hold -r -d 'how long visitors wait for a client that is gone, or a service that refuses (default: 10s and 5s)'
complete -c sendit -n '__fish_sendit_using_command connect' -l basic-auth -r -d 'user and password that visitors have to give'
complete -c sendit -n '__fish_sendit_using_command connect' -l basic-auth-file -rF -d 'file that holds user and password'
complete -c sendit -n '__fish_sendit_using_command connect' -l allow-ip -r -d 'addresses that visitors have to come from, such as 192.0.2.0/24; can be repeated (default: anywhere)'
complete -c sendit -n '__fish_sendit_using_command connect' -l inspect -r -d 'where the page is that shows what passes: an address of this machine, or off (default: 127.0.0.1:4040, or the next port up to 4059 that is free)'
complete -c sendit -n '__fish_sendit_using_command connect' -l webhook-secret -r -d 'secret that a sender of webhooks signs with, such as github=SECRET or github=@FILE: the page then says whether signatures hold, and replays of those that do are signed afresh; can be repeated'
complete -c sendit -n '__fish_sendit_using_command connect' -l quiet -d 'say nothing of exchanges, only how the link is and what fails'
complete -c sendit -n '__fish_sendit_using_command connect' -l qr -d 'show the public URL as a QR code as well'
complete -c sendit -n '__fish_sendit_using_command connect' -l url-file -rF -d 'file that holds the public URL for as long as the tunnel is there'
complete -c sendit -n '__fish_sendit_using_command connect' -l log -x -a 'error warn info debug trace' -d 'how much is logged: error, warn, info, debug or trace (default: warn)'
complete -c sendit -n '__fish_sendit_using_command connect' -l log-format -x -a 'text json' -d 'what the log, and all else on standard error, looks like: text for people, or json for scripts, each line an event (default: text)'
complete -c sendit -n '__fish_sendit_using_command connect' -l help -d 'display usage information'
complete -c sendit -n '__fish_sendit_using_command start' -l token -r -d 'token that the server asks for, as `sendit token` prints it'
complete -c sendit -n '__fish_sendit_using_command start' -l token-file -rF -d 'file that holds the token'
complete -c sendit -n '__fish_sendit_using_command start' -l config -rF -d 'configuration file (default: sendit.toml in this folder, else in the user\'s configuration folder)'
complete -c sendit -n '__fish_sendit_using_command start' -l server -r -d 'URL of the server, where no SOURCE says it'
complete -c sendit -n '__fish_sendit_using_command start' -l prefix -r -d 'prefix of the tunnel, where no SOURCE says it (default: the name of this folder, or of a tunnel in the file)'
complete -c sendit -n '__fish_sendit_using_command start' -l max-ttl -r -d 'longest life of a request to the server before it is renewed, such as 15s or 1m30s; less than what proxies on the way allow (default: 10s)'
complete -c sendit -n '__fish_sendit_using_command start' -l wire -x -a 'auto v1 v2' -d 'wire to speak with the server: auto, v1 or v2 (default: auto)'
complete -c sendit -n '__fish_sendit_using_command start' -l target-insecure -d 'take any certificate that an https DESTINATION shows'
complete -c sendit -n '__fish_sendit_using_command start' -l host-header -x -a 'keep target' -d 'host that the service is told: keep for the visitor\'s word, target for DESTINATION\'s, or another (default: keep)'
complete -c sendit -n '__fish_sendit_using_command start' -l strip-prefix -d 'take the path of SOURCE off before the service sees it, and put it back into redirects and cookies'
complete -c sendit -n '__fish_sendit_using_command start' -l hold -r -d 'how long visitors wait for a client that is gone, or a service that refuses (default: 10s and 5s)'
complete -c sendit -n '__fish_sendit_using_command start' -l basic-auth -r -d 'user and password that visitors have to give'
complete -c sendit -n '__fish_sendit_using_command start' -l basic-auth-file -rF -d 'file that holds user and password'
complete -c sendit -n '__fish_sendit_using_command start' -l allow-ip -r -d 'addresses that visitors have to come from, such as 192.0.2.0/24; can be repeated (default: anywhere)'
complete -c sendit -n '__fish_sendit_using_command start' -l inspect -r -d 'where the page is that shows what passes: an address of this machine, or off (default: 127.0.0.1:4040, or the next port up to 4059 that is free)'
complete -c sendit -n '__fish_sendit_using_command start' -l webhook-secret -r -d 'secret that a sender of webhooks signs with, such as github=SECRET or github=@FILE: the page then says whether signatures hold, and replays of those that do are signed afresh; can be repeated'
complete -c sendit -n '__fish_sendit_using_command start' -l quiet -d 'say nothing of exchanges, only how the link is and what fails'
complete -c sendit -n '__fish_sendit_using_command start' -l qr -d 'show the public URL as a QR code as well'
complete -c sendit -n '__fish_sendit_using_command start' -l url-file -rF -d 'file that holds the public URL for as long as the tunnel is there'
complete -c sendit -n '__fish_sendit_using_command start' -l log -x -a 'error warn info debug trace' -d 'how much is logged: error, warn, info, debug or trace (default: warn)'
complete -c sendit -n '__fish_sendit_using_command start' -l log-format -x -a 'text json' -d 'what the log, and all else on standard error, looks like: text for people, or json for scripts, each line an event (default: text)'
complete -c sendit -n '__fish_sendit_using_command start' -l all -d 'start every tunnel that the file has'
complete -c sendit -n '__fish_sendit_using_command start' -l help -d 'display usage information'
complete -c sendit -n '__fish_sendit_using_command run' -l token -r -d 'token that the server asks for, as `sendit token` prints it'
complete -c sendit -n '__fish_sendit_using_command run' -l token-file -rF -d 'file that holds the token'
complete -c sendit -n '__fish_sendit_using_command run' -l config -rF -d 'configuration file (default: sendit.toml in this folder, else in the user\'s configuration folder)'
complete -c sendit -n '__fish_sendit_using_command run' -l server -r -d 'URL of the server, where no SOURCE says it'
complete -c sendit -n '__fish_sendit_using_command run' -l prefix -r -d 'prefix of the tunnel, where no SOURCE says it (default: the name of this folder, or of a tunnel in the file)'
complete -c sendit -n '__fish_sendit_using_command run' -l max-ttl -r -d 'longest life of a request to the server before it is renewed, such as 15s or 1m30s; less than what proxies on the way allow (default: 10s)'
complete -c sendit -n '__fish_sendit_using_command run' -l wire -x -a 'auto v1 v2' -d 'wire to speak with the server: auto, v1 or v2 (default: auto)'
complete -c sendit -n '__fish_sendit_using_command run' -l target-insecure -d 'take any certificate that an https DESTINATION shows'
complete -c sendit -n '__fish_sendit_using_command run' -l host-header -x -a 'keep target' -d 'host that the service is told: keep for the visitor\'s word, target for DESTINATION\'s, or another (default: keep)'
complete -c sendit -n '__fish_sendit_using_command run' -l strip-prefix -d 'take the path of SOURCE off before the service sees it, and put it back into redirects and cookies'
complete -c sendit -n '__fish_sendit_using_command run' -l hold -r -d 'how long visitors wait for a client that is gone, or a service that refuses (default: 10s and 5s)'
complete -c sendit -n '__fish_sendit_using_command run' -l basic-auth -r -d 'user and password that visitors have to give'
complete -c sendit -n '__fish_sendit_using_command run' -l basic-auth-file -rF -d 'file that holds user and password'
complete -c sendit -n '__fish_sendit_using_command run' -l allow-ip -r -d 'addresses that visitors have to come from, such as 192.0.2.0/24; can be repeated (default: anywhere)'
complete -c sendit -n '__fish_sendit_using_command run' -l inspect -r -d 'where the page is that shows what passes: an address of this machine, or off (default: 127.0.0.1:4040, or the next port up to 4059 that is free)'
complete -c sendit -n '__fish_sendit_using_command run' -l webhook-secret -r -d 'secret that a sender of webhooks signs with, such as github=SECRET or github=@FILE: the page then says whether signatures hold, and replays of those that do are signed afresh; can be repeated'
complete -c sendit -n '__fish_sendit_using_command run' -l quiet -d 'say nothing of exchanges, only how the link is and what fails'
complete -c sendit -n '__fish_sendit_using_command run' -l qr -d 'show the public URL as a QR code as well'
complete -c sendit -n '__fish_sendit_using_command run' -l url-file -rF -d 'file that holds the public URL for as long as the tunnel is there'
complete -c sendit -n '__fish_sendit_using_command run' -l log -x -a 'error warn info debug trace' -d 'how much is logged: error, warn, info, debug or trace (default: warn)'
complete -c sendit -n '__fish_sendit_using_command run' -l log-format -x -a 'text json' -d 'what the log, and all else on standard error, looks like: text for people, or json for scripts, each line an event (default: text)'
complete -c sendit -n '__fish_sendit_using_command run' -l port -r -d 'port that the program listens on (default: one that is free)'
complete -c sendit -n '__fish_sendit_using_command run' -l url-var -r -d 'variable for the public URL (default: `PUBLIC_URL`)'
complete -c sendit -n '__fish_sendit_using_command run' -l prefix-var -r -d 'variable for the prefix of the paths that reach the program (default: `HTTP_PREFIX`)'
complete -c sendit -n '__fish_sendit_using_command run' -l path-var -r -d 'variable for the path of the public URL (default: `BASE_PATH`)'
complete -c sendit -n '__fish_sendit_using_command run' -l port-var -r -d 'variable for the port to listen on (default: `PORT`)'
complete -c sendit -n '__fish_sendit_using_command run' -l help -d 'display usage information'
complete -c sendit -n '__fish_sendit_using_command config' -l config -rF -d 'configuration file (default: sendit.toml in this folder, else in the user\'s configuration folder)'
complete -c sendit -n '__fish_sendit_using_command config' -l help -d 'display usage information'
complete -c sendit -n '__fish_sendit_using_command doctor' -l token -r -d 'token that the server asks for, as `sendit token` prints it'
complete -c sendit -n '__fish_sendit_using_command doctor' -l token-file -rF -d 'file that holds the token'
complete -c sendit -n '__fish_sendit_using_command doctor' -l longest -r -d 'how long a request is let live to see whether anything cuts it, up to 10m (default: 10s, as long as `connect` lets one live)'
complete -c sendit -n '__fish_sendit_using_command doctor' -l json -d 'print one JSON object instead of a table'
complete -c sendit -n '__fish_sendit_using_command doctor' -l log -x -a 'error warn info debug trace' -d 'how much is logged: error, warn, info, debug or trace (default: warn)'
complete -c sendit -n '__fish_sendit_using_command doctor' -l help -d 'display usage information'
complete -c sendit -n '__fish_sendit_using_command sessions' -l admin -r -d 'address that `serve --admin` was given (default: 127.0.0.1:5051)'
complete -c sendit -n '__fish_sendit_using_command sessions' -l admin-token-file -rF -d 'file that holds the admin token'
complete -c sendit -n '__fish_sendit_using_command sessions' -l json -d 'print JSON instead of lines'
complete -c sendit -n '__fish_sendit_using_command sessions' -l help -d 'display usage information'
complete -c sendit -n '__fish_sendit_using_command requests' -f -l limit -r -d 'most exchanges to list (default: 20)'
complete -c sendit -n '__fish_sendit_using_command requests' -f -l text -r -d 'only those whose heads or bodies hold this text'
complete -c sendit -n '__fish_sendit_using_command requests' -f -l method -r -d 'only those of this method'
complete -c sendit -n '__fish_sendit_using_command requests' -f -l status -r -d 'only those with this status, such as 404 or 5xx'
complete -c sendit -n '__fish_sendit_using_command requests' -f -l path -r -d 'only those whose path holds this'
complete -c sendit -n '__fish_sendit_using_command requests' -f -l json -d 'print JSON instead of lines'
complete -c sendit -n '__fish_sendit_using_command requests' -f -l inspect -r -d 'inspector of the client (default: the only one at 127.0.0.1, ports 4040 to 4059)'
complete -c sendit -n '__fish_sendit_using_command requests' -f -l help -d 'display usage information'
complete -c sendit -n '__fish_sendit_using_command replay' -l json -d 'print one JSON object instead of lines'
complete -c sendit -n '__fish_sendit_using_command replay' -l inspect -r -d 'inspector of the client (default: the only one at 127.0.0.1, ports 4040 to 4059)'
complete -c sendit -n '__fish_sendit_using_command replay' -l help -d 'display usage information'
complete -c sendit -n '__fish_sendit_using_command record' -l follow -d 'go on with what passes from now on, until a signal comes or the client ends'
complete -c sendit -n '__fish_sendit_using_command record' -l method -r -d 'only those of this method'
complete -c sendit -n '__fish_sendit_using_command record' -l status -r -d 'only those with this status, such as 404 or 5xx'
complete -c sendit -n '__fish_sendit_using_command record' -l path -r -d 'only those whose path holds this'
complete -c sendit -n '__fish_sendit_using_command record' -l replays -d 'replays as well, which are left out otherwise'
complete -c sendit -n '__fish_sendit_using_command record' -l inspect -r -d 'inspector of the client (default: the only one at 127.0.0.1, ports 4040 to 4059)'
complete -c sendit -n '__fish_sendit_using_command record' -l help -d 'display usage information'
complete -c sendit -n '__fish_sendit_using_command play' -l to -r -d 'service to send to, such as `http://localhost:3000`'
complete -c sendit -n '__fish_sendit_using_command play' -l expect -r -d 'status that is expected, such as 204 or 2xx (default: the recorded one)'
complete -c sendit -n '__fish_sendit_using_command play' -l target-insecure -d 'take any certificate that an https URL shows'
complete -c sendit -n '__fish_sendit_using_command play' -l webhook-secret -r -d 'secret that a sender of webhooks signs with, such as github=SECRET or github=@FILE: its webhooks are signed afresh; can be repeated'
complete -c sendit -n '__fish_sendit_using_command play' -l json -d 'print a JSON object for each request instead of a line'
complete -c sendit -n '__fish_sendit_using_command play' -l help -d 'display usage information'
complete -c sendit -n '__fish_sendit_using_command token' -f -l secret -r -d 'secret to sign with; can be repeated, but only the first signs'
complete -c sendit -n '__fish_sendit_using_command token' -f -l secret-file -rF -d 'file that holds the secret; can be repeated, likewise'
complete -c sendit -n '__fish_sendit_using_command token' -f -l ttl -r -d 'how long the token is good, such as 30d or 12h (default: for ever)'
complete -c sendit -n '__fish_sendit_using_command token' -f -l prefix -r -d 'prefixes that may be opened; can be repeated (default: every prefix)'
complete -c sendit -n '__fish_sendit_using_command token' -f -l subject -r -d 'name of the holder, for the server\'s log, its quotas and its list of revoked tokens'
complete -c sendit -n '__fish_sendit_using_command token' -f -l id -r -d 'id of the token, by which it can be revoked alone'
complete -c sendit -n '__fish_sendit_using_command token' -f -l help -d 'display usage information'
complete -c sendit -n '__fish_sendit_using_command demo' -l addr -r -d 'address that the server listens on (default: 127.0.0.1:0, any free port)'
complete -c sendit -n '__fish_sendit_using_command demo' -l prefix -r -d 'prefix of the tunnel (default: demo)'
complete -c sendit -n '__fish_sendit_using_command demo' -l inspect -r -d 'where the page is that shows what passes: an address of this machine, or off (default: 127.0.0.1:4040, or the next port up to 4059 that is free)'
complete -c sendit -n '__fish_sendit_using_command demo' -l log -x -a 'error warn info debug trace' -d 'how much is logged: error, warn, info, debug or trace (default: warn)'
complete -c sendit -n '__fish_sendit_using_command demo' -l help -d 'display usage information'
complete -c sendit -n '__fish_sendit_using_command install-links' -l help -d 'display usage information'
