#compdef fettle
