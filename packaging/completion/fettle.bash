# bash completion for fettle(1)

_fettle() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
  local index word command='' verb='' choices=''
  COMPREPLY=()

  for ((index = 1; index < COMP_CWORD; index++)); do
    word=${COMP_WORDS[index]}
    case $word in
      --root) ((index++)) ;;
      -*) ;;
      *)
        if [[ -z $command ]]; then
          command=$word
        elif [[ -z $verb ]]; then
          verb=$word
        fi
        ;;
    esac
  done

  case $previous in
    --root)
      mapfile -t COMPREPLY < <(compgen -d -- "$current")
      return
      ;;
    --client | --to | --textfile | --output)
      mapfile -t COMPREPLY < <(compgen -f -- "$current")
      return
      ;;
    --format)
      choices='plain sh systemd docker compose configmap json'
      [[ $command == run-line ]] && choices='docker podman compose systemd'
      ;;
    --as)
      choices='plain json nagios npd nhc'
      [[ $command == inventory ]] && choices='ansible file-sd'
      ;;
    --explain) choices=$(fettle check --list 2>/dev/null | cut -d' ' -f1) ;;
    --for) choices='ready cache gpu shelf=' ;;
    --timeout | --stall | --insist | --workers | --name | --os | --kernel | --rocm | --driver | --gpu) return ;;
    *)
      case "$command $verb" in
        ' ')
          choices='acknowledge apply capture check collect compat engine env events host images inventory jit ledger log metrics models plan profile'
          choices+=' provision ready report'
          choices+=' run-line seal shelf stage status storage wait --help --version'
          ;;
        'acknowledge '*)
          choices="--for --because --list --withdraw $(fettle check --list 2>/dev/null | cut -d' ' -f1)"
          ;;
        'capture ') choices='--output' ;;
        'collect ') choices='--now' ;;
        'check '*) choices="--list --explain --as --deep $(fettle check --list 2>/dev/null | cut -d' ' -f1)" ;;
        'compat '*) choices='--os --kernel --rocm --driver --gpu --newest' ;;
        'engine ') choices='watch' ;;
        'env diff') choices='--pid --container --model --engine --image --tp' ;;
        'env ') choices='explain diff --format --model --engine --tp' ;;
        'env explain') choices=$(fettle env --format sh 2>/dev/null | sed -n 's/^export \([A-Z0-9_]*\)=.*/\1/p') ;;
        'host ') choices='show apply revert' ;;
        'host apply' | 'host revert') choices='--yes' ;;
        'images ') choices='list pull' ;;
        'images pull') choices='--dry-run' ;;
        'inventory '*)
          mapfile -t COMPREPLY < <(compgen -d -- "$current"; compgen -W '--as --port --list --host' -- "$current")
          return
          ;;
        'jit ') choices='list seed export import prune' ;;
        'jit export') choices="--to $(fettle jit list 2>/dev/null | sed -n 's/^\([a-z0-9][^ ]*\) .*/\1/p')" ;;
        'jit import') choices='--image --accept' ;;
        'jit prune') choices="--apply $(fettle jit list 2>/dev/null | sed -n 's/^\([a-z0-9][^ ]*\) .*/\1/p')" ;;
        'log '*) choices='--since --priority --lines --follow --level fettled fettle-provision fettle-collect' ;;
        'metrics ') choices='--textfile' ;;
        'models ') choices='list show explain' ;;
        'models explain' | 'ready '* | 'run-line '*) choices='--engine --image --versions-file --tp --dp --ep --set' ;;
        'seal ') choices='--check' ;;
        'report ') choices='--html --output' ;;
        'profile ') choices='check show list capture bundle install restore remove' ;;
        'profile show') choices='--origin' ;;
        'profile bundle' | 'profile install')
          mapfile -t COMPREPLY < <(compgen -f -- "$current"; compgen -W '--name --version --output --sha256 --signature --key --dry-run' -- "$current")
          return
          ;;
        'profile restore' | 'profile remove') choices=$(fettle profile list 2>/dev/null | sed -n 's/^bundle \([^ ]*\).*/\1/p') ;;
        'profile check' | 'shelf import')
          mapfile -t COMPREPLY < <(compgen -f -- "$current")
          return
          ;;
        'provision ') choices='--boot --cache --dry-run' ;;
        'shelf ') choices='list show stage hold resume cancel verify scrub lock adopt gc remove export import' ;;
        'shelf export') choices='--to' ;;
        'stage '*) choices='--client --insist --stall --workers' ;;
        'status ') choices='--watch' ;;
        'storage ') choices='show plan history caches bench trim apply recreate release' ;;
        'storage trim') choices='--dry-run' ;;
        'storage apply' | 'storage recreate' | 'storage release') choices='--drive --plan' ;;
        'wait ') choices='--for --timeout' ;;
        'events ') choices='--follow' ;;
      esac
      choices+=' --json --root --help'
      ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$choices" -- "$current")
}

complete -F _fettle fettle
