# Completion of latchkey for bash. Made by make manual.
_latchkey() {
    local cur=${COMP_WORDS[COMP_CWORD]} flag=${COMP_WORDS[COMP_CWORD-1]} at='' words='' word
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        case "$at $word" in
            ' serve' | ' migrate' | ' backup' | ' restore' | ' user' | ' user add' | ' user invite' | ' user set-password' | ' user set-email' | ' user set-role' | ' user disable' | ' user enable' | ' user reset-factors' | ' user sign-out' | ' user delete' | ' user show' | ' user list' | ' import' | ' import users' | ' export' | ' export users' | ' keys' | ' keys list' | ' keys rotate' | ' client' | ' client add' | ' client show' | ' client update' | ' client list' | ' client remove' | ' webhook' | ' webhook add' | ' webhook list' | ' webhook remove' | ' webhook test' | ' webhook rotate' | ' mail' | ' mail test' | ' incident' | ' incident revoke' | ' incident list' | ' incident show' | ' incident pause' | ' incident resume' | ' sweep' | ' doctor' | ' healthcheck' | ' monitoring' | ' monitoring dashboard' | ' monitoring alerts' | ' version') at="$at $word" ;;
        esac
    done
    if [[ $cur == = ]]; then cur=''; elif [[ $flag == = ]]; then flag=${COMP_WORDS[COMP_CWORD-2]}; fi
    case $flag in
        --signing-alg) COMPREPLY=($(compgen -W 'ES256 EdDSA RS256' -- "$cur")); return ;;
        --signup) COMPREPLY=($(compgen -W 'open closed' -- "$cur")); return ;;
        --second-factor) COMPREPLY=($(compgen -W 'optional support required' -- "$cur")); return ;;
        --device-name-claim) COMPREPLY=($(compgen -W 'on off' -- "$cur")); return ;;
        --dpop) COMPREPLY=($(compgen -W 'optional required' -- "$cur")); return ;;
        --dpop-nonce) COMPREPLY=($(compgen -W 'off required' -- "$cur")); return ;;
        --log) COMPREPLY=($(compgen -W 'text json' -- "$cur")); return ;;
        --log-ip) COMPREPLY=($(compgen -W 'off hash full' -- "$cur")); return ;;
        --role) COMPREPLY=($(compgen -W 'user support' -- "$cur")); return ;;
    esac
    case $at in
        '') words='serve migrate backup restore user import export keys client webhook mail incident sweep doctor healthcheck monitoring version'; [[ $cur == -* ]] && words='--help --addr --base-url --secret-file --issuer --audience --signing-alg --access-ttl --status-ttl --device-lifetime --device-idle --max-refreshes --retry-window --browser-lifetime --browser-idle --max-devices --signup --password-min --breach-url --second-factor --device-name-claim --dpop --dpop-nonce --db-conns --trusted-proxies --drain --log --log-ip --mail-from --mail-reply-to --incident-mail-rate --metrics-addr --languages --brand-name --brand-logo --brand-accent --brand-support-url --brand-terms-url --brand-privacy-url --brand-imprint-url --geo-database --security-contact' ;;
        ' serve') words=''; [[ $cur == -* ]] && words='--demo' ;;
        ' migrate') words=''; [[ $cur == -* ]] && words='--status --distribute' ;;
        ' backup') words=''; [[ $cur == -* ]] && words='' ;;
        ' restore') words=''; [[ $cur == -* ]] && words='--replace' ;;
        ' user') words='add invite set-password set-email set-role disable enable reset-factors sign-out delete show list'; [[ $cur == -* ]] && words='' ;;
        ' user add') words=''; [[ $cur == -* ]] && words='--role --invite --password-stdin' ;;
        ' user invite') words=''; [[ $cur == -* ]] && words='' ;;
        ' user set-password') words=''; [[ $cur == -* ]] && words='--password-stdin' ;;
        ' user set-email') words=''; [[ $cur == -* ]] && words='' ;;
        ' user set-role') words=''; [[ $cur == -* ]] && words='' ;;
        ' user disable') words=''; [[ $cur == -* ]] && words='' ;;
        ' user enable') words=''; [[ $cur == -* ]] && words='' ;;
        ' user reset-factors') words=''; [[ $cur == -* ]] && words='' ;;
        ' user sign-out') words=''; [[ $cur == -* ]] && words='--all' ;;
        ' user delete') words=''; [[ $cur == -* ]] && words='--yes' ;;
        ' user show') words=''; [[ $cur == -* ]] && words='--json' ;;
        ' user list') words=''; [[ $cur == -* ]] && words='--json' ;;
        ' import') words='users'; [[ $cur == -* ]] && words='' ;;
        ' import users') words=''; [[ $cur == -* ]] && words='--dry-run --accept-weak' ;;
        ' export') words='users'; [[ $cur == -* ]] && words='' ;;
        ' export users') words=''; [[ $cur == -* ]] && words='--with-secrets' ;;
        ' keys') words='list rotate'; [[ $cur == -* ]] && words='' ;;
        ' keys list') words=''; [[ $cur == -* ]] && words='' ;;
        ' keys rotate') words=''; [[ $cur == -* ]] && words='--now' ;;
        ' client') words='add show update list remove'; [[ $cur == -* ]] && words='' ;;
        ' client add') words=''; [[ $cur == -* ]] && words='--id --public --confidential --backchannel-logout-uri --device-grant --sso --lifetime --idle --devices --on-limit --redirect-uri --post-logout-uri --origin --scope --ios-app --android-app --json' ;;
        ' client show') words=''; [[ $cur == -* ]] && words='--json' ;;
        ' client update') words=''; [[ $cur == -* ]] && words='--name --public --confidential --new-secret --backchannel-logout-uri --device-grant --sso --lifetime --idle --devices --on-limit --redirect-uri --post-logout-uri --origin --scope --ios-app --android-app --json' ;;
        ' client list') words=''; [[ $cur == -* ]] && words='--json' ;;
        ' client remove') words=''; [[ $cur == -* ]] && words='' ;;
        ' webhook') words='add list remove test rotate'; [[ $cur == -* ]] && words='' ;;
        ' webhook add') words=''; [[ $cur == -* ]] && words='--event --json' ;;
        ' webhook list') words=''; [[ $cur == -* ]] && words='--json' ;;
        ' webhook remove') words=''; [[ $cur == -* ]] && words='' ;;
        ' webhook test') words=''; [[ $cur == -* ]] && words='' ;;
        ' webhook rotate') words=''; [[ $cur == -* ]] && words='--json' ;;
        ' mail') words='test'; [[ $cur == -* ]] && words='' ;;
        ' mail test') words=''; [[ $cur == -* ]] && words='' ;;
        ' incident') words='revoke list show pause resume'; [[ $cur == -* ]] && words='' ;;
        ' incident revoke') words=''; [[ $cur == -* ]] && words='--client --created-from --created-to --network --unbound --require-reset --over --now --say --preview --confirm' ;;
        ' incident list') words=''; [[ $cur == -* ]] && words='' ;;
        ' incident show') words=''; [[ $cur == -* ]] && words='' ;;
        ' incident pause') words=''; [[ $cur == -* ]] && words='' ;;
        ' incident resume') words=''; [[ $cur == -* ]] && words='' ;;
        ' sweep') words=''; [[ $cur == -* ]] && words='' ;;
        ' doctor') words=''; [[ $cur == -* ]] && words='--json' ;;
        ' healthcheck') words=''; [[ $cur == -* ]] && words='' ;;
        ' monitoring') words='dashboard alerts'; [[ $cur == -* ]] && words='' ;;
        ' monitoring dashboard') words=''; [[ $cur == -* ]] && words='' ;;
        ' monitoring alerts') words=''; [[ $cur == -* ]] && words='' ;;
        ' version') words=''; [[ $cur == -* ]] && words='' ;;
    esac
    [[ $at && $cur == -* ]] && words+=' --help --addr --base-url --secret-file --issuer --audience --signing-alg --access-ttl --status-ttl --device-lifetime --device-idle --max-refreshes --retry-window --browser-lifetime --browser-idle --max-devices --signup --password-min --breach-url --second-factor --device-name-claim --dpop --dpop-nonce --db-conns --trusted-proxies --drain --log --log-ip --mail-from --mail-reply-to --incident-mail-rate --metrics-addr --languages --brand-name --brand-logo --brand-accent --brand-support-url --brand-terms-url --brand-privacy-url --brand-imprint-url --geo-database --security-contact'
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _latchkey latchkey
