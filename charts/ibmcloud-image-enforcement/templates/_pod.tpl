{{/*
What every pod of CISE has in common. It keeps to the `restricted` Pod Security Standard. Meshes are told to stay out: with a container besides
its own, a pod is not known as CISE's, and waits for CISE.
*/}}
{{- define "cise.podLabels" -}}
{{ include "cise.labels" . }}
sidecar.istio.io/inject: "false"
{{- end }}

{{- define "cise.podAnnotations" -}}
linkerd.io/inject: disabled
{{- end }}

{{- define "cise.podSpec" -}}
automountServiceAccountToken: true
enableServiceLinks: false
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
{{- toYaml . | nindent 0 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
{{- toYaml . | nindent 0 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  seccompProfile:
    type: RuntimeDefault
{{- end }}

{{- define "cise.container" -}}
name: cise
image: {{ include "cise.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
{{- with .Values.resources }}
resources:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
