_sendit() {
    local i cur prev opts cmd cmds
    COMPREPLY=()
    cur="${COMP_WORDS[COMP_CWORD]}"
    if [[ $COMP_CWORD -ge 1 ]]; then
        prev="${COMP_WORDS[COMP_CWORD-1]}"
    else
        prev=""
    fi
    cmd=""
    opts=""

    for i in ${COMP_WORDS[@]}; do
        case "${i}" in
            sendit | */sendit)
                cmd="sendit"
                ;;
            serve)
                cmd="sendit_serve"
                ;;
            connect)
                cmd="sendit_connect"
                ;;
            start)
                cmd="sendit_start"
                ;;
            run)
                cmd="sendit_run"
                ;;
            config)
                cmd="sendit_config"
                ;;
            doctor)
                cmd="sendit_doctor"
                ;;
            sessions)
                cmd="sendit_sessions"
                ;;
            requests)
                cmd="sendit_requests"
                ;;
            replay)
                cmd="sendit_replay"
                ;;
            record)
                cmd="sendit_record"
                ;;
            play)
                cmd="sendit_play"
                ;;
            token)
                cmd="sendit_token"
                ;;
            demo)
                cmd="sendit_demo"
                ;;
            install-links)
                cmd="sendit_install-links"
                ;;
        esac
    done

    case "${cmd}" in
        sendit)
            opts="--version --help"
            cmds="serve connect start run config doctor sessions requests replay record play token demo install-links"
            case "${prev}" in
                *)
                    COMPREPLY=( $(compgen -W "${opts} ${cmds}" -- "${cur}") )
                    return 0
                    ;;
            esac
            ;;
        sendit_serve)
            opts="--config --addr --secret --secret-file --revoked-file --tls-cert --tls-key --client-ca-file --acme --acme-cache --acme-directory --acme-contact --acme-ca-file --redirect-addr --cluster --advertise --cluster-secret-file --cluster-addr --node-url --domain --http-prefix --https-redir --admin --admin-token-file --threads --insecure --public-url --grace --max-hold --trusted-proxy --ready-within --max-connections --max-connections-per-address --max-sessions --max-sessions-per-token --max-exchanges --max-exchanges-per-session --max-exchanges-per-token --max-held-per-session --max-failed-opens --max-replay --target-timeout --log --log-format --access-log --help"
            case "${prev}" in
                --config)
                    COMPREPLY=()
                    return 0
                    ;;
                --addr)
                    COMPREPLY=()
                    return 0
                    ;;
                --secret)
                    COMPREPLY=()
                    return 0
                    ;;
                --secret-file)
                    COMPREPLY=()
                    return 0
                    ;;
                --revoked-file)
                    COMPREPLY=()
                    return 0
                    ;;
                --tls-cert)
                    COMPREPLY=()
                    return 0
                    ;;
                --tls-key)
                    COMPREPLY=()
                    return 0
                    ;;
                --client-ca-file)
                    COMPREPLY=()
                    return 0
                    ;;
                --acme)
                    COMPREPLY=()
                    return 0
                    ;;
                --acme-cache)
                    COMPREPLY=()
                    return 0
                    ;;
                --acme-directory)
                    COMPREPLY=()
                    return 0
                    ;;
                --acme-contact)
                    COMPREPLY=()
                    return 0
                    ;;
                --acme-ca-file)
                    COMPREPLY=()
                    return 0
                    ;;
                --redirect-addr)
                    COMPREPLY=()
                    return 0
                    ;;
                --cluster)
                    COMPREPLY=()
                    return 0
                    ;;
                --advertise)
                    COMPREPLY=()
                    return 0
                    ;;
                --cluster-secret-file)
                    COMPREPLY=()
                    return 0
                    ;;
                --cluster-addr)
                    COMPREPLY=()
                    return 0
                    ;;
                --node-url)
                    COMPREPLY=()
                    return 0
                    ;;
                --domain)
                    COMPREPLY=()
                    return 0
                    ;;
                --http-prefix)
                    COMPREPLY=()
                    return 0
                    ;;
                --admin)
                    COMPREPLY=()
                    return 0
                    ;;
                --admin-token-file)
                    COMPREPLY=()
                    return 0
                    ;;
                --threads)
                    COMPREPLY=()
                    return 0
                    ;;
                --public-url)
                    COMPREPLY=()
                    return 0
                    ;;
                --grace)
                    COMPREPLY=()
                    return 0
                    ;;
                --max-hold)
                    COMPREPLY=()
                    return 0
                    ;;
                --trusted-proxy)
                    COMPREPLY=()
                    return 0
                    ;;
                --ready-within)
                    COMPREPLY=()
                    return 0
                    ;;
                --max-connections)
                    COMPREPLY=()
                    return 0
                    ;;
                --max-connections-per-address)
                    COMPREPLY=()
                    return 0
                    ;;
                --max-sessions)
                    COMPREPLY=()
                    return 0
                    ;;
                --max-sessions-per-token)
                    COMPREPLY=()
                    return 0
                    ;;
                --max-exchanges)
                    COMPREPLY=()
                    return 0
                    ;;
                --max-exchanges-per-session)
                    COMPREPLY=()
                    return 0
                    ;;
                --max-exchanges-per-token)
                    COMPREPLY=()
                    return 0
                    ;;
                --max-held-per-session)
                    COMPREPLY=()
                    return 0
                    ;;
                --max-failed-opens)
                    COMPREPLY=()
                    return 0
                    ;;
                --max-replay)
                    COMPREPLY=()
                    return 0
                    ;;
                --target-timeout)
                    COMPREPLY=()
                    return 0
                    ;;
                --log)
                    COMPREPLY=( $(compgen -W "error warn info debug trace" -- "${cur}") )
                    return 0
                    ;;
                --log-format)
                    COMPREPLY=( $(compgen -W "text json" -- "${cur}") )
                    return 0
                    ;;
                --access-log)
                    COMPREPLY=( $(compgen -W "path query off" -- "${cur}") )
                    return 0
                    ;;
                *)
                    COMPREPLY=( $(compgen -W "${opts} ${cmds}" -- "${cur}") )
                    return 0
                    ;;
            esac
            ;;
        sendit_connect)
            opts="--token --token-file --config --server --prefix --max-ttl --wire --ca-file --client-cert --client-key --target-insecure --host-header --strip-prefix --hold --basic-auth --basic-auth-file --allow-ip --inspect --webhook-secret --quiet --qr --url-file --log --log-format --help"
            case "${prev}" in
                --token)
                    COMPREPLY=()
                    return 0
                    ;;
                --token-file)
                    COMPREPLY=()
                    return 0
                    ;;
                --config)
                    COMPREPLY=()
                    return 0
                    ;;
                --server)
                    COMPREPLY=()
                    return 0
                    ;;
                --prefix)
                    COMPREPLY=()
                    return 0
                    ;;
                --max-ttl)
                    COMPREPLY=()
                    return 0
                    ;;
                --wire)
                    COMPREPLY=( $(compgen -W "auto v1 v2" -- "${cur}") )
                    return 0
                    ;;
                --ca-file)
                    COMPREPLY=()
                    return 0
                    ;;
                --client-cert)
                    COMPREPLY=()
                    return 0
                    ;;
                --client-key)
                    COMPREPLY=()
                    return 0
                    ;;
                --host-header)
                    COMPREPLY=( $(compgen -W "keep target" -- "${cur}") )
                    return 0
                    ;;
                --hold)
                    COMPREPLY=()
                    return 0
                    ;;
                --basic-auth)
                    COMPREPLY=()
                    return 0
                    ;;
                --basic-auth-file)
                    COMPREPLY=()
                    return 0
                    ;;
                --allow-ip)
                    COMPREPLY=()
                    return 0
                    ;;
                --inspect)
                    COMPREPLY=()
                    return 0
                    ;;
                --webhook-secret)
                    COMPREPLY=()
                    return 0
                    ;;
                --url-file)
                    COMPREPLY=()
                    return 0
                    ;;
                --log)
                    COMPREPLY=( $(compgen -W "error warn info debug trace" -- "${cur}") )
                    return 0
                    ;;
                --log-format)
                    COMPREPLY=( $(compgen -W "text json" -- "${cur}") )
                    return 0
                    ;;
                *)
                    COMPREPLY=( $(compgen -W "${opts} ${cmds}" -- "${cur}") )
                    return 0
                    ;;
            esac
            ;;
        sendit_start)
            opts="--token --token-file --config --server --prefix --max-ttl --wire --ca-file --client-cert --client-key --target-insecure --host-header --strip-prefix --hold --basic-auth --basic-auth-file --allow-ip --inspect --webhook-secret --quiet --qr --url-file --log --log-format --all --help"
            case "${prev}" in
                --token)
                    COMPREPLY=()
                    return 0
                    ;;
                --token-file)
                    COMPREPLY=()
                    return 0
                    ;;
                --config)
                    COMPREPLY=()
                    return 0
                    ;;
                --server)
                    COMPREPLY=()
                    return 0
                    ;;
                --prefix)
                    COMPREPLY=()
                    return 0
                    ;;
                --max-ttl)
                    COMPREPLY=()
                    return 0
                    ;;
                --wire)
                    COMPREPLY=( $(compgen -W "auto v1 v2" -- "${cur}") )
                    return 0
                    ;;
                --ca-file)
                    COMPREPLY=()
                    return 0
                    ;;
                --client-cert)
                    COMPREPLY=()
                    return 0
                    ;;
                --client-key)
                    COMPREPLY=()
                    return 0
                    ;;
                --host-header)
                    COMPREPLY=( $(compgen -W "keep target" -- "${cur}") )
                    return 0
                    ;;
                --hold)
                    COMPREPLY=()
                    return 0
                    ;;
                --basic-auth)
                    COMPREPLY=()
                    return 0
                    ;;
                --basic-auth-file)
                    COMPREPLY=()
                    return 0
                    ;;
                --allow-ip)
                    COMPREPLY=()
                    return 0
                    ;;
                --inspect)
                    COMPREPLY=()
                    return 0
                    ;;
                --webhook-secret)
                    COMPREPLY=()
                    return 0
                    ;;
                --url-file)
                    COMPREPLY=()
                    return 0
                    ;;
                --log)
                    COMPREPLY=( $(compgen -W "error warn info debug trace" -- "${cur}") )
                    return 0
                    ;;
                --log-format)
                    COMPREPLY=( $(compgen -W "text json" -- "${cur}") )
                    return 0
                    ;;
                *)
                    COMPREPLY=( $(compgen -W "${opts} ${cmds}" -- "${cur}") )
                    return 0
                    ;;
            esac
            ;;
        sendit_run)
            opts="--token --token-file --config --server --prefix --max-ttl --wire --ca-file --client-cert --client-key --target-insecure --host-header --strip-prefix --hold --basic-auth --basic-auth-file --allow-ip --inspect --webhook-secret --quiet --qr --url-file --log --log-format --port --url-var --prefix-var --path-var --port-var --help"
            case "${prev}" in
                --token)
                    COMPREPLY=()
                    return 0
                    ;;
                --token-file)
                    COMPREPLY=()
                    return 0
                    ;;
                --config)
                    COMPREPLY=()
                    return 0
                    ;;
                --server)
                    COMPREPLY=()
                    return 0
                    ;;
                --prefix)
                    COMPREPLY=()
                    return 0
                    ;;
                --max-ttl)
                    COMPREPLY=()
                    return 0
                    ;;
                --wire)
                    COMPREPLY=( $(compgen -W "auto v1 v2" -- "${cur}") )
                    return 0
                    ;;
                --ca-file)
                    COMPREPLY=()
                    return 0
                    ;;
                --client-cert)
                    COMPREPLY=()
                    return 0
                    ;;
                --client-key)
                    COMPREPLY=()
                    return 0
                    ;;
                --host-header)
                    COMPREPLY=( $(compgen -W "keep target" -- "${cur}") )
                    return 0
                    ;;
                --hold)
                    COMPREPLY=()
                    return 0
                    ;;
                --basic-auth)
                    COMPREPLY=()
                    return 0
                    ;;
                --basic-auth-file)
                    COMPREPLY=()
                    return 0
                    ;;
                --allow-ip)
                    COMPREPLY=()
                    return 0
                    ;;
                --inspect)
                    COMPREPLY=()
                    return 0
                    ;;
                --webhook-secret)
                    COMPREPLY=()
                    return 0
                    ;;
                --url-file)
                    COMPREPLY=()
                    return 0
                    ;;
                --log)
                    COMPREPLY=( $(compgen -W "error warn info debug trace" -- "${cur}") )
                    return 0
                    ;;
                --log-format)
                    COMPREPLY=( $(compgen -W "text json" -- "${cur}") )
                    return 0
                    ;;
                --port)
                    COMPREPLY=()
                    return 0
                    ;;
                --url-var)
                    COMPREPLY=()
                    return 0
                    ;;
                --prefix-var)
                    COMPREPLY=()
                    return 0
                    ;;
                --path-var)
                    COMPREPLY=()
                    return 0
                    ;;
                --port-var)
                    COMPREPLY=()
                    return 0
                    ;;
                *)
                    COMPREPLY=( $(compgen -W "${opts} ${cmds}" -- "${cur}") )
                    return 0
                    ;;
            esac
            ;;
        sendit_config)
            opts="--config --help"
            case "${prev}" in
                --config)
                    COMPREPLY=()
                    return 0
                    ;;
                *)
                    COMPREPLY=( $(compgen -W "${opts} ${cmds}" -- "${cur}") )
                    return 0
                    ;;
            esac
            ;;
        sendit_doctor)
            opts="--token --token-file --ca-file --client-cert --client-key --longest --json --log --help"
            case "${prev}" in
                --token)
                    COMPREPLY=()
                    return 0
                    ;;
                --token-file)
                    COMPREPLY=()
                    return 0
                    ;;
                --ca-file)
                    COMPREPLY=()
                    return 0
                    ;;
                --client-cert)
                    COMPREPLY=()
                    return 0
                    ;;
                --client-key)
                    COMPREPLY=()
                    return 0
                    ;;
                --longest)
                    COMPREPLY=()
                    return 0
                    ;;
                --log)
                    COMPREPLY=( $(compgen -W "error warn info debug trace" -- "${cur}") )
                    return 0
                    ;;
                *)
                    COMPREPLY=( $(compgen -W "${opts} ${cmds}" -- "${cur}") )
                    return 0
                    ;;
            esac
            ;;
        sendit_sessions)
            opts="--admin --admin-token-file --json --help"
            case "${prev}" in
                --admin)
                    COMPREPLY=()
                    return 0
                    ;;
                --admin-token-file)
                    COMPREPLY=()
                    return 0
                    ;;
                *)
                    COMPREPLY=( $(compgen -W "${opts} ${cmds}" -- "${cur}") )
                    return 0
                    ;;
            esac
            ;;
        sendit_requests)
            opts="--limit --text --method --status --path --json --inspect --help"
            case "${prev}" in
                --limit)
                    COMPREPLY=()
                    return 0
                    ;;
                --text)
                    COMPREPLY=()
                    return 0
                    ;;
                --method)
                    COMPREPLY=()
                    return 0
                    ;;
                --status)
                    COMPREPLY=()
                    return 0
                    ;;
                --path)
                    COMPREPLY=()
                    return 0
                    ;;
                --inspect)
                    COMPREPLY=()
                    return 0
                    ;;
                *)
                    COMPREPLY=( $(compgen -W "${opts} ${cmds}" -- "${cur}") )
                    return 0
                    ;;
            esac
            ;;
        sendit_replay)
            opts="--json --inspect --help"
            case "${prev}" in
                --inspect)
                    COMPREPLY=()
                    return 0
                    ;;
                *)
                    COMPREPLY=( $(compgen -W "${opts} ${cmds}" -- "${cur}") )
                    return 0
                    ;;
            esac
            ;;
        sendit_record)
            opts="--follow --method --status --path --replays --inspect --help"
            case "${prev}" in
                --method)
                    COMPREPLY=()
                    return 0
                    ;;
                --status)
                    COMPREPLY=()
                    return 0
                    ;;
                --path)
                    COMPREPLY=()
                    return 0
                    ;;
                --inspect)
                    COMPREPLY=()
                    return 0
                    ;;
                *)
                    COMPREPLY=( $(compgen -W "${opts} ${cmds}" -- "${cur}") )
                    return 0
                    ;;
            esac
            ;;
        sendit_play)
            opts="--to --expect --target-insecure --webhook-secret --json --help"
            case "${prev}" in
                --to)
                    COMPREPLY=()
                    return 0
                    ;;
                --expect)
                    COMPREPLY=()
                    return 0
                    ;;
                --webhook-secret)
                    COMPREPLY=()
                    return 0
                    ;;
                *)
                    COMPREPLY=( $(compgen -W "${opts} ${cmds}" -- "${cur}") )
                    return 0
                    ;;
            esac
            ;;
        sendit_token)
            opts="--secret --secret-file --ttl --prefix --subject --id --help"
            case "${prev}" in
                --secret)
                    COMPREPLY=()
                    return 0
                    ;;
                --secret-file)
                    COMPREPLY=()
                    return 0
                    ;;
                --ttl)
                    COMPREPLY=()
                    return 0
                    ;;
                --prefix)
                    COMPREPLY=()
                    return 0
                    ;;
                --subject)
                    COMPREPLY=()
                    return 0
                    ;;
                --id)
                    COMPREPLY=()
                    return 0
                    ;;
                *)
                    COMPREPLY=( $(compgen -W "${opts} ${cmds}" -- "${cur}") )
                    return 0
                    ;;
            esac
            ;;
        sendit_demo)
            opts="--addr --prefix --inspect --log --help"
            case "${prev}" in
                --addr)
                    COMPREPLY=()
                    return 0
                    ;;
                --prefix)
                    COMPREPLY=()
                    return 0
                    ;;
                --inspect)
                    COMPREPLY=()
                    return 0
                    ;;
                --log)
                    COMPREPLY=( $(compgen -W "error warn info debug trace" -- "${cur}") )
                    return 0
                    ;;
                *)
                    COMPREPLY=( $(compgen -W "${opts} ${cmds}" -- "${cur}") )
                    return 0
                    ;;
            esac
            ;;
        sendit_install-links)
            opts="--help"
            case "${prev}" in
                *)
                    COMPREPLY=( $(compgen -W "${opts} ${cmds}" -- "${cur}") )
                    return 0
                    ;;
            esac
            ;;
    esac
}

complete -F _sendit -o bashdefault -o default sendit
