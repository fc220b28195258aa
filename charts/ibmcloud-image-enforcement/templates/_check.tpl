{{/* Values that cannot work together, beyond what the schema sees of each alone. */}}
{{- define "cise.check" -}}
{{- $hosts := list }}
{{- range $index, $registry := .Values.registries }}
{{- $field := printf "registries[%d]" $index }}
{{- if and $registry.plainHTTP (or $registry.ca $registry.clientCertificateSecret) }}
{{- fail (printf "%s.plainHTTP: expected neither `ca` nor `clientCertificateSecret` beside it, since plain HTTP has no certificates" $field) }}
{{- end }}
{{- if and $registry.trustServerCA (not (hasPrefix "https://" ($registry.trustServer | default ""))) }}
{{- fail (printf "%s.trustServerCA: expected a `trustServer` with https:// beside it" $field) }}
{{- end }}
{{- $host := lower $registry.host }}
{{- if has $host $hosts }}
{{- fail (printf "%s.host: %s is named twice; expected each host once" $field $registry.host) }}
{{- end }}
{{- $hosts = append $hosts $host }}
{{- end }}
{{- if and .Values.certificates.issuer (ne .Values.certificates.from "cert-manager") }}
{{- fail "certificates.issuer: expected `certificates.from: cert-manager` beside it" }}
{{- end }}
{{- if eq .Values.ports.webhooks .Values.ports.admin }}
{{- fail "ports.admin: expected another port than ports.webhooks" }}
{{- end }}
{{- if has .Values.ports.advisor (list .Values.ports.webhooks .Values.ports.admin) }}
{{- fail "ports.advisor: expected another port than ports.webhooks and ports.admin" }}
{{- end }}
{{- $database := .Values.advisor.database }}
{{- if and .Values.advisor.enabled (empty $database.artifact) (eq (empty $database.existingClaim) (empty $database.volume)) }}
{{- fail "advisor.database: expected `artifact`, or either `existingClaim` or `volume`, beside advisor.enabled" }}
{{- end }}
{{- if and $database.artifact $database.existingClaim $database.volume }}
{{- fail "advisor.database: expected at most one of `existingClaim` and `volume` beside `artifact`" }}
{{- end }}
{{- if and $database.artifact (empty $database.key) (not (contains "@" $database.artifact)) }}
{{- fail "advisor.database.artifact: expected `key` beside it, or a digest in it: whoever can exchange the database for an empty one lets every image pass" }}
{{- end }}
{{- if and (empty $database.artifact) (or $database.key $database.credentialsSecret) }}
{{- fail "advisor.database: expected `artifact` beside `key` and `credentialsSecret`" }}
{{- end }}
{{- if lt (int .Values.terminationGracePeriodSeconds) (add (int .Values.webhooks.timeoutSeconds) 10 | int) }}
{{- fail "terminationGracePeriodSeconds: expected at least 10 more than webhooks.timeoutSeconds, so that what was accepted is finished" }}
{{- end }}
{{- if eq .Values.test.namespace (include "cise.namespace" .) }}
{{- fail "test.namespace: expected another namespace than CISE's own, whose policy allows everything by default" }}
{{- end }}
{{- end }}
