#compdef fettle
# zsh completion for fettle(1)

local -a commands
commands=(
  'check:look at this node here and now, without the daemon'
  'capture:this node as an archive of what is read of it, without its names'
  'collect:try the cache and the drives for the daemon'
  'compat:which system, kernel, driver and ROCm go together; what if'
  'engine:whether the inference engines of this node serve'
  'env:the environment the profile asks for, and where it is delivered'
  'host:settings of the host: wanted, found, who set them'
  'images:the container images that are wanted'
  'inventory:the nodes of a fleet, for Ansible or Prometheus'
  'metrics:the metrics of the daemon, for a person or for node_exporter'
  'models:what is known of models, and what an engine needs for each'
  'ready:can this node serve a model now'
  'run-line:the command that serves a model in a container'
  'profile:what is wanted of this node, and every mistake in saying so'
  'seal:take what belongs to this machine out of an image'
  'plan:everything that is not yet as the profile wants it'
  'apply:do what the plan says'
  'provision:make the local drives into the cache'
  'shelf:the model shelves: list, stage, watch, verify, lock, adopt, gc and more'
  'stage:fetch, verify and publish one shelf of models'
  'status:how the node stands'
  'storage:the drives, and what would be done to them'
  'events:what happened on this node'
  'ledger:when this boot reached each stage, and what that cost'
  'report:all of it as one page for a browser'
  'acknowledge:say that a finding is known, for a time and a reason'
  'log:what the units wrote to the journal'
  'wait:return when the node, its cache, its GPUs or a shelf is ready'
)

local curcontext=$curcontext state line
_arguments -C \
  '--root[act on a captured machine]:directory:_directories' \
  '--json[answer for machines]' \
  '--version[print the version]' \
  '(-h --help)'{-h,--help}'[help]' \
  '1:command:->command' \
  '*::argument:->argument'

case $state in
  command) _describe -t commands command commands ;;
  argument)
    case $words[1] in
      capture) _arguments '--output[the archive]:file:_files' ;;
      collect) _arguments '--now[due or not]' ;;
      check)
        _arguments '--list[print the checks]' '--explain[what a check is about]:check:' \
          '--deep[run the deep checks]' '--as[for another monitor]:dialect:(plain json nagios npd nhc)' '*:check:'
        ;;
      compat)
        _arguments '--os[another system]:ubuntu-24.04.3:' '--kernel[what uname -r says]:kernel:' \
          '--rocm[ROCm release]:release:' '--driver[driver release or module]:release:' \
          '--gpu[GPU]:GPU:(MI300X)' '--newest[the newest listed set]'
        ;;
      engine) _arguments '1:verb:(watch)' ;;
      env)
        _arguments '--format[dialect]:format:(plain sh systemd docker compose configmap json)' '1:verb:(explain)' '2:variable:'
        ;;
      host) _arguments '--yes[do it]' '1:verb:(show apply revert)' ;;
      images) _arguments '1:verb:(list pull)' '--dry-run[print what would be run]' ;;
      inventory)
        _arguments '--as[dialect]:dialect:(ansible file-sd)' '--port[of the targets]:port:' '--list[all nodes]' \
          '--host[one node]:host:' '1:directory:_directories'
        ;;
      metrics) _arguments '--textfile[leave the page for node_exporter]:file:_files' ;;
      seal) _arguments '--check[change nothing]' ;;
      acknowledge)
        _arguments '--for[how long]:time:(1h 8h 1d)' '--because[why]:reason:' '--list[what is acknowledged]' \
          '--withdraw[it is not known any more]' '1:check:'
        ;;
      log)
        _arguments '--since[from then on]:time:' '--priority[at least so grave]:level:(error warning info debug)' \
          '--lines[the newest so many]:number:' '--follow[go on]' \
          '--level[how much the daemon writes]:level:(error warning info debug)' '1:unit:'
        ;;
      report) _arguments '--html[make the page]' '--output[leave it in a file]:file:_files' ;;
      models) _arguments '--engine[engine and version]:engine:(vllm sglang)' '1:verb:(list show explain)' '2:model:' ;;
      ready) _arguments '--engine[engine and version]:engine:(vllm sglang)' '--tp[ranks]:number:' '1:model:' ;;
      run-line)
        _arguments '--engine[engine and version]:engine:(vllm sglang)' '--tp[ranks]:number:' \
          '--format[dialect]:format:(docker podman compose systemd)' '1:model:'
        ;;
      profile) _arguments '--origin[which file set each value]' '1:verb:(check show list capture bundle install restore remove)' \
          '--name[of the bundle]:name:' '--version[of the bundle]:version:' '--output[archive]:file:_files' \
          '--sha256[of the archive]:hash:' '--signature[of the archive]:file:_files' '--key[who signed]:file:_files' \
          '--dry-run[change nothing]' '*:file:_files' ;;
      provision)
        _arguments '(--cache)--boot[before the mount]' '(--boot)--cache[after the mount]' \
          '--dry-run[write nothing]'
        ;;
      shelf)
        _arguments '1:verb:(list show stage hold resume cancel verify scrub lock adopt gc remove export import)' '2:shelf or file:_files' \
          '--to[archive]:file:_files' '--name[name of the shelf]:name:'
        ;;
      stage)
        _arguments '1:shelf:' '--client[the Hugging Face client]:file:_files' \
          '--insist[seconds to try a broken connection again]:seconds:' '--stall[seconds without a new byte]:seconds:' '--workers[files at a time]:count:'
        ;;
      status) _arguments '--watch[again each second]' ;;
      storage) _arguments '1:verb:(show plan history caches bench trim apply recreate release)' '--drive[serial number]:serial:' '--plan[hash of the dry run]:hash:' ;;
      events) _arguments '--follow[go on with each event as it comes]' ;;
      wait)
        _arguments '--for[goal]:goal:(ready cache gpu shelf=)' '--timeout[seconds]:seconds:'
        ;;
    esac
    ;;
esac
