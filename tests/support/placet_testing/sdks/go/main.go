// Command payouts runs one payout of the page's workflow, with a worker of its own, and prints what came of it;
// takes up one that runs.
//
// Its arguments: the address of Temporal, a task queue, the id of the workflow, and the arguments of the payout as JSON.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"

	"payouts.example/payouts"
)

func main() {
	var args payouts.PayoutArgs
	if err := json.Unmarshal([]byte(os.Args[4]), &args); err != nil {
		log.Fatal(err)
	}
	connection, err := client.Dial(client.Options{HostPort: os.Args[1]})
	if err != nil {
		log.Fatal(err)
	}
	defer connection.Close()
	work := worker.New(connection, os.Args[2], worker.Options{})
	work.RegisterWorkflow(payouts.Payout)
	work.RegisterActivity(payouts.Pay)
	if err := work.Start(); err != nil {
		log.Fatal(err)
	}
	defer work.Stop()
	options := client.StartWorkflowOptions{ID: os.Args[3], TaskQueue: os.Args[2]}
	run, err := connection.ExecuteWorkflow(context.Background(), options, payouts.Payout, args)
	if err != nil {
		log.Fatal(err)
	}
	var receipt string
	if err := run.Get(context.Background(), &receipt); err != nil {
		log.Fatal(err)
	}
	fmt.Println(receipt)
}
